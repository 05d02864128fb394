"use strict";

// Books deliveries and sales into the shop's stock, and prints what is low.
//
//   APP_ID=shop BASE_URL=https://… EMAIL=… PASSWORD=… node stock.js bookings.json

const { readFileSync } = require("node:fs");
const Realm = require("realm");

const { ObjectId, Decimal128 } = Realm.BSON;

class Product extends Realm.Object {
  static schema = {
    name: "Product",
    primaryKey: "_id",
    properties: {
      _id: { type: "objectId", default: () => new ObjectId() },
      sku: { type: "string", indexed: true },
      name: "string",
      stock: { type: "int", default: 0 },
      price: "decimal128?",
      supplier: "Supplier",
      tags: "string<>",
      bookings: "Booking[]",
    },
  };

  get isLow() {
    return this.stock < 10;
  }

  book({ count, at, note }) {
    this.stock += count;
    this.bookings.push({ at: new Date(at), count, note });
  }
}

const Supplier = {
  name: "Supplier",
  primaryKey: "_id",
  properties: {
    _id: "string",
    city: "string?",
    products: { type: "linkingObjects", objectType: "Product", property: "supplier" },
  },
};

const Booking = {
  name: "Booking",
  embedded: true,
  properties: { at: "date", count: "int", note: "string?" },
};

async function logIn(app) {
  if (app.currentUser) return app.currentUser;
  const account = { email: process.env.EMAIL, password: process.env.PASSWORD };
  const credentials = Realm.Credentials.emailPassword(account);
  try {
    return await app.logIn(credentials);
  } catch (error) {
    console.log(`registering, for ${error.message}`);
    await app.emailPasswordAuth.registerUser(account);
    return app.logIn(credentials);
  }
}

async function openRealm(user) {
  const opening = Realm.open({
    schema: [Product, Supplier, Booking],
    sync: {
      user,
      flexible: true,
      initialSubscriptions: {
        update: (subscriptions, realm) => {
          subscriptions.add(realm.objects(Product), { name: "products" });
        },
      },
      onError: (session, error) => console.error(`${error.name}: ${error.message}`),
    },
  });
  opening.progress((estimate) => {
    if (estimate < 1) console.log(`downloading: ${Math.round(estimate * 100)} %`);
  });
  return opening;
}

function bookAll(realm, bookings) {
  realm.write(() => {
    for (const booking of bookings) {
      const { sku, name, price, tags = [], supplier, city } = booking;
      const known = realm.objects(Product).filtered("sku == $0", sku)[0];
      const product = known ?? realm.create(Product, { sku, name });
      if (price) product.price = Decimal128.fromString(price);
      if (supplier) product.supplier = realm.create("Supplier", { _id: supplier, city }, Realm.UpdateMode.Modified);
      for (const tag of tags) product.tags.add(tag);
      product.book(booking);
    }
    realm.delete(realm.objects(Product).filtered("stock <= 0"));
  });
}

function report(realm) {
  const products = realm.objects(Product);
  console.log(`${products.length} products, ${products.sum("stock")} pieces`);
  for (const { sku, name, stock, price, supplier, tags, bookings } of products.sorted("sku")) {
    const from = supplier ? ` from ${supplier._id} (${supplier.products.length})` : "";
    const words = [...tags].sort().join(" ");
    console.log(`${sku} ${name}: ${stock} at ${price ?? "?"}${from} [${words}], booked ${bookings.length} times`);
  }
  const low = products.filtered("stock < $0 SORT(stock ASC)", 10);
  console.log(`low: ${low.map((product) => `${product.sku} (${product.isLow})`).join(", ")}`);
  const recent = products.filtered("ANY bookings.at >= $0", new Date("2024-02-01"));
  console.log(`booked since February: ${recent.length}`);
}

async function upload(realm) {
  const session = realm.syncSession;
  const { Upload } = Realm.ProgressDirection;
  session.addProgressNotification(Upload, Realm.ProgressMode.ForCurrentlyOutstandingWork, (transferred, total) => {
    if (transferred >= total) console.log("everything is uploaded");
  });
  await session.uploadAllLocalChanges();
}

async function main() {
  const bookings = JSON.parse(readFileSync(process.argv[2], "utf8"));
  const app = new Realm.App({ id: process.env.APP_ID, baseUrl: process.env.BASE_URL });
  const user = await logIn(app);
  console.log(`this is ${user.profile.email}`);
  const realm = await openRealm(user);
  try {
    await realm.subscriptions.update((subscriptions) => {
      subscriptions.add(realm.objects("Supplier"), { name: "suppliers" });
    });
    if (bookings.length > 0) {
      bookAll(realm, bookings);
      await upload(realm);
    }
    report(realm);
  } finally {
    realm.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
