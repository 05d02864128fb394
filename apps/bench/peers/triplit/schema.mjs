// Class `Item` as Triplit's schema. Ids are strings in Triplit, so the key is sent as text.
import { Schema as S } from "@triplit/client";

export const schema = S.Collections({
  items: {
    schema: S.Schema({
      id: S.Id(),
      name: S.String(),
      n: S.Number(),
      d: S.Number(),
      b: S.Boolean(),
      t: S.Date(),
      note: S.String(),
    }),
  },
});
