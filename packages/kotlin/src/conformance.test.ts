import { describeConformance } from "@tidemark/testing/conformance";

await describeConformance("kotlin");
