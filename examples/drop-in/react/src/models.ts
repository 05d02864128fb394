import Realm from "realm";

export class Note extends Realm.Object<Note, "text"> {
  _id!: Realm.BSON.ObjectId;
  text!: string;
  isDone!: boolean;
  createdAt!: Date;

  static schema: Realm.ObjectSchema = {
    name: "Note",
    primaryKey: "_id",
    properties: {
      _id: { type: "objectId", default: () => new Realm.BSON.ObjectId() },
      text: "string",
      isDone: { type: "bool", default: false },
      createdAt: { type: "date", default: () => new Date() },
    },
  };
}
