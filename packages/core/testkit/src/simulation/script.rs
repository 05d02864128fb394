//! Scripts: a history as plain values, and as text.
//!
//! A script can be interpreted after any of its steps was taken out: picks wrap around, and what makes no
//! sense in a state is passed over. So a failing one can be shrunk step by step, and what is left is a test.

use std::fmt;
use std::fmt::Write as _;

use super::disk::{Fuse, Side};
use super::layout::Layout;

/// What a whole history is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Number of clients.
    pub clients: u32,
    /// Instructions in a slice of an integration.
    pub slice: u32,
    /// Classes and columns.
    pub layout: Layout,
    /// What happens.
    pub steps: Vec<Step>,
}

/// Something that happens to a client (`who` wraps around) or to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The client; of no account where the server acts.
    pub who: u32,
    /// What happens.
    pub act: Act,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The clock goes on by so many milliseconds, then a transaction is committed.
    Write { wait: u32, edits: Vec<Edit> },
    /// The application subscribes to something else.
    Subscribe(u32),
    /// The user is given other rights.
    Role(u32),
    /// The client's clock is set so many milliseconds off.
    Clock(i32),
    /// Connects anew; `fast` is the original's fast reconnect.
    Connect { fast: bool },
    /// Both ends notice that the connection is lost.
    Cut,
    /// The client notices that the connection is lost; the server works on what has arrived.
    Drop,
    /// The client says what it has to say, up to so many messages.
    Send(u32),
    /// The server reads up to so many messages.
    Serve(u32),
    /// The server reads a message from a connection that its client has given up.
    ServeDropped,
    /// The server commits the uploads that wait.
    Commit,
    /// The server makes up to so many downloads of about so many bytes.
    Pull { bytes: u32, count: u32 },
    /// The client works on what it received, up to so many messages or slices.
    Receive(u32),
    /// Messages go to and fro until nobody has anything to say.
    Exchange,
    /// The client's process dies at a commit.
    Crash(Fuse),
    /// The server's process dies at a commit.
    CrashServer(Fuse),
    /// The client's process dies at once.
    Restart,
    /// The server's process dies at once.
    RestartServer,
    /// The client starts over: 0 with a new file, 1 by a client reset with recovery, 2 by one without.
    Reset(u32),
    /// So many milliseconds pass, then the server does a step of its upkeep that may look at so many rows.
    Maintain { wait: u32, budget: u32 },
}

/// An object, by class and key; both wrap around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    pub class: u32,
    pub key: u32,
}

/// One change by an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Creates an object or finds it; a new one gets its `view`, and defaults if there is a number.
    Create {
        object: Pick,
        view: u32,
        defaults: u32,
    },
    /// Deletes an object, unless it is one that nobody deletes.
    Erase { object: Pick },
    /// Gives an object another `view`.
    Move { object: Pick, view: u32 },
    /// Changes something in a column; what, is drawn from the number.
    Change {
        object: Pick,
        column: u32,
        dice: u32,
    },
    /// Adds to the counter that is never assigned.
    Count { object: Pick, delta: i32 },
    /// Puts something unique where nothing is ever taken out.
    Token { object: Pick },
    /// Adds a column to the schema.
    Extend(u32),
    /// Sends an object of an asymmetric class; which, and what is in it, is drawn from the number.
    Send(u32),
}

impl fmt::Display for Pick {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.class, self.key)
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create {
                object,
                view,
                defaults,
            } => write!(out, "create {object} {view} {defaults}"),
            Self::Erase { object } => write!(out, "erase {object}"),
            Self::Move { object, view } => write!(out, "move {object} {view}"),
            Self::Change {
                object,
                column,
                dice,
            } => write!(out, "change {object} {column} {dice}"),
            Self::Count { object, delta } => write!(out, "count {object} {delta}"),
            Self::Token { object } => write!(out, "token {object}"),
            Self::Extend(column) => write!(out, "extend {column}"),
            Self::Send(number) => write!(out, "send {number}"),
        }
    }
}

fn crash(fuse: Fuse) -> String {
    let side = match fuse.side {
        Side::Before => "before",
        Side::After => "after",
    };
    let again = if fuse.again { " again" } else { "" };
    format!("{} {side}{again}", fuse.commits)
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.who;
        match &self.act {
            Act::Write { wait, edits } => {
                write!(out, "{who} write {wait}:")?;
                for (index, edit) in edits.iter().enumerate() {
                    write!(out, "{} {edit}", if index > 0 { ";" } else { "" })?;
                }
                Ok(())
            }
            Act::Subscribe(dice) => write!(out, "{who} subscribe {dice}"),
            Act::Role(dice) => write!(out, "{who} role {dice}"),
            Act::Clock(offset) => write!(out, "{who} clock {offset}"),
            Act::Connect { fast } => write!(out, "{who} connect {}", u32::from(*fast)),
            Act::Cut => write!(out, "{who} cut"),
            Act::Drop => write!(out, "{who} drop"),
            Act::Send(count) => write!(out, "{who} send {count}"),
            Act::Serve(count) => write!(out, "{who} serve {count}"),
            Act::ServeDropped => write!(out, "{who} serve-dropped"),
            Act::Commit => write!(out, "server commit"),
            Act::Pull { bytes, count } => write!(out, "{who} pull {bytes} {count}"),
            Act::Receive(count) => write!(out, "{who} receive {count}"),
            Act::Exchange => write!(out, "{who} exchange"),
            Act::Crash(fuse) => write!(out, "{who} crash {}", crash(*fuse)),
            Act::CrashServer(fuse) => write!(out, "server crash {}", crash(*fuse)),
            Act::Restart => write!(out, "{who} restart"),
            Act::RestartServer => write!(out, "server restart"),
            Act::Reset(how) => write!(out, "{who} reset {how}"),
            Act::Maintain { wait, budget } => write!(out, "server maintain {wait} {budget}"),
        }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "clients {}", self.clients)?;
        writeln!(out, "slice {}", self.slice)?;
        write!(out, "{}", self.layout)?;
        for step in &self.steps {
            writeln!(out, "{step}")?;
        }
        Ok(())
    }
}

/// The words of a line.
pub(super) struct Words<'a> {
    words: std::str::SplitWhitespace<'a>,
}

type Parsed<T> = Result<T, String>;

impl<'a> Words<'a> {
    pub fn new(text: &'a str) -> Self {
        Self {
            words: text.split_whitespace(),
        }
    }

    pub fn word(&mut self) -> Parsed<&'a str> {
        self.words
            .next()
            .ok_or_else(|| "a word is missing".to_owned())
    }

    pub fn optional(&mut self) -> Option<&'a str> {
        self.words.next()
    }

    pub fn number<T: std::str::FromStr>(&mut self) -> Parsed<T> {
        let word = self.word()?;
        word.parse()
            .map_err(|_| format!("'{word}' is not a number that fits"))
    }

    fn pick(&mut self) -> Parsed<Pick> {
        let word = self.word()?;
        let (class, key) = word
            .split_once('.')
            .ok_or_else(|| format!("'{word}' is no object"))?;
        let number = |text: &str| text.parse().map_err(|_| format!("'{word}' is no object"));
        Ok(Pick {
            class: number(class)?,
            key: number(key)?,
        })
    }

    fn fuse(&mut self) -> Parsed<Fuse> {
        let commits = self.number()?;
        let side = match self.word()? {
            "before" => Side::Before,
            "after" => Side::After,
            other => return Err(format!("'{other}' is no side of a commit")),
        };
        let again = self.optional() == Some("again");
        Ok(Fuse {
            commits,
            side,
            again,
        })
    }
}

fn parse_edit(text: &str) -> Parsed<Edit> {
    let mut words = Words::new(text);
    Ok(match words.word()? {
        "create" => Edit::Create {
            object: words.pick()?,
            view: words.number()?,
            defaults: words.number()?,
        },
        "erase" => Edit::Erase {
            object: words.pick()?,
        },
        "move" => Edit::Move {
            object: words.pick()?,
            view: words.number()?,
        },
        "change" => Edit::Change {
            object: words.pick()?,
            column: words.number()?,
            dice: words.number()?,
        },
        "count" => Edit::Count {
            object: words.pick()?,
            delta: words.number()?,
        },
        "token" => Edit::Token {
            object: words.pick()?,
        },
        "extend" => Edit::Extend(words.number()?),
        "send" => Edit::Send(words.number()?),
        other => return Err(format!("'{other}' is no edit")),
    })
}

fn parse_server(words: &mut Words<'_>) -> Parsed<Act> {
    Ok(match words.word()? {
        "commit" => Act::Commit,
        "crash" => Act::CrashServer(words.fuse()?),
        "restart" => Act::RestartServer,
        "maintain" => Act::Maintain {
            wait: words.number()?,
            budget: words.number()?,
        },
        other => return Err(format!("the server cannot '{other}'")),
    })
}

fn parse_step(line: &str) -> Parsed<Step> {
    let (head, edits) = line.split_once(':').unwrap_or((line, ""));
    let mut words = Words::new(head);
    let who = words.word()?;
    if who == "server" {
        return Ok(Step {
            who: 0,
            act: parse_server(&mut words)?,
        });
    }
    let who = who
        .parse()
        .map_err(|_| format!("'{who}' is neither a client nor a keyword"))?;
    let act = match words.word()? {
        "write" => {
            let wait = words.number()?;
            let edits = edits.split(';').filter(|edit| !edit.trim().is_empty());
            Act::Write {
                wait,
                edits: edits.map(parse_edit).collect::<Parsed<_>>()?,
            }
        }
        "subscribe" => Act::Subscribe(words.number()?),
        "role" => Act::Role(words.number()?),
        "clock" => Act::Clock(words.number()?),
        "connect" => Act::Connect {
            fast: words.number::<u32>()? != 0,
        },
        "cut" => Act::Cut,
        "drop" => Act::Drop,
        "send" => Act::Send(words.number()?),
        "serve" => Act::Serve(words.number()?),
        "serve-dropped" => Act::ServeDropped,
        "pull" => Act::Pull {
            bytes: words.number()?,
            count: words.number()?,
        },
        "receive" => Act::Receive(words.number()?),
        "exchange" => Act::Exchange,
        "crash" => Act::Crash(words.fuse()?),
        "restart" => Act::Restart,
        "reset" => Act::Reset(words.number()?),
        other => return Err(format!("a client cannot '{other}'")),
    };
    Ok(Step { who, act })
}

impl Script {
    /// Reads a script. What follows `#` on a line is a comment.
    pub fn parse(text: &str) -> Parsed<Self> {
        let mut script = Self {
            clients: 2,
            slice: 4_000,
            layout: Layout::default(),
            steps: Vec::new(),
        };
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if !line.is_empty() {
                let at = |error| format!("line {}: {error}", number + 1);
                script.line(line).map_err(at)?;
            }
        }
        if script.layout.classes.is_empty() {
            return Err("there is no class".to_owned());
        }
        Ok(script)
    }

    fn line(&mut self, line: &str) -> Parsed<()> {
        let mut words = Words::new(line);
        match words.word()? {
            "clients" => self.clients = words.number::<u32>()?.max(1),
            "slice" => self.slice = words.number()?,
            "values" => self.layout.is_odd = words.word()? == "odd",
            "class" => self.layout.add_class(&mut words)?,
            "column" => self.layout.add_column(&mut words)?,
            _ => self.steps.push(parse_step(line)?),
        }
        Ok(())
    }

    /// The text with comments: what steps did behind each, and at the end what happened until all was at
    /// rest.
    pub fn annotated(&self, notes: &[(usize, String)]) -> String {
        let mut text = format!(
            "clients {}\nslice {}\n{}",
            self.clients, self.slice, self.layout
        );
        for (at, step) in self.steps.iter().enumerate() {
            let _ = writeln!(text, "{step}");
            for (_, note) in notes.iter().filter(|(of, _)| *of == at) {
                let _ = writeln!(text, "    # {note}");
            }
        }
        for (_, note) in notes.iter().filter(|(of, _)| *of >= self.steps.len()) {
            let _ = writeln!(text, "    # in the end: {note}");
        }
        text
    }

    /// How many changes by users it holds.
    pub fn operations(&self) -> usize {
        self.steps
            .iter()
            .map(|step| match &step.act {
                Act::Write { edits, .. } => edits.len(),
                _ => 0,
            })
            .sum()
    }
}
