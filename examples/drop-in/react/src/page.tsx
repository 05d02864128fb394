import { type FormEvent, useEffect, useState } from "react";
import Realm from "realm";
import { useConnectionState, useResults, useUploadProgress, useUser, useUserRealm } from "./hooks.js";
import { Note } from "./models.js";

const schema = [Note];

export function Page({ app }: { app: Realm.App }) {
  const user = useUser(app);
  const logIn = () => {
    app.logIn(Realm.Credentials.anonymous()).catch((error: unknown) => console.error(error));
  };
  if (!user) return <button onClick={logIn}>Log in</button>;
  return <Notebook user={user} />;
}

function Notebook({ user }: { user: Realm.User }) {
  const realm = useUserRealm(user, schema);
  const logOut = () => {
    user.logOut().catch((error: unknown) => console.error(error));
  };
  return (
    <main>
      <header>
        <button onClick={logOut}>Log out</button>
      </header>
      {realm ? <Notes realm={realm} /> : <p>Opening…</p>}
    </main>
  );
}

function Notes({ realm }: { realm: Realm }) {
  const [search, setSearch] = useState("");
  const notes = useResults(
    () => realm.objects(Note).filtered("text CONTAINS[c] $0", search).sorted("createdAt"),
    [realm, search],
  );
  useEffect(() => {
    realm
      .objects(Note)
      .subscribe({ name: "all notes" })
      .catch((error: unknown) => console.error(error));
  }, [realm]);
  return (
    <>
      <Status realm={realm} />
      <NewNote realm={realm} />
      <input name="search" placeholder="Search" value={search} onChange={(event) => setSearch(event.target.value)} />
      <ul>
        {notes.map((note) => (
          <Line key={note._id.toHexString()} realm={realm} note={note} isDone={note.isDone} text={note.text} />
        ))}
      </ul>
      <p id="count">{notes.length === 0 ? "No notes" : `${notes.length} notes`}</p>
    </>
  );
}

function Line({ realm, note, isDone, text }: { realm: Realm; note: Note; isDone: boolean; text: string }) {
  const toggle = () => {
    realm.write(() => {
      note.isDone = !note.isDone;
    });
  };
  const remove = () => realm.write(() => realm.delete(note));
  return (
    <li className={isDone ? "done" : "open"}>
      <input type="checkbox" checked={isDone} onChange={toggle} />
      <span>{text}</span>
      <button onClick={remove}>Delete</button>
    </li>
  );
}

function NewNote({ realm }: { realm: Realm }) {
  const [text, setText] = useState("");
  const add = (event: FormEvent) => {
    event.preventDefault();
    realm.write(() => new Note(realm, { text }));
    setText("");
  };
  return (
    <form onSubmit={add}>
      <input name="text" placeholder="New note" value={text} onChange={(event) => setText(event.target.value)} />
      <button disabled={text === ""}>Add</button>
    </form>
  );
}

function Status({ realm }: { realm: Realm }) {
  const connectionState = useConnectionState(realm);
  const uploaded = useUploadProgress(realm);
  const [isPaused, setPaused] = useState(false);
  const toggle = () => {
    if (isPaused) realm.syncSession?.resume();
    else realm.syncSession?.pause();
    setPaused(!isPaused);
  };
  return (
    <p>
      <span id="connection">{connectionState}</span> <progress value={uploaded} />
      <button onClick={toggle}>{isPaused ? "Go online" : "Go offline"}</button>
    </p>
  );
}
