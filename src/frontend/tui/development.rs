//! The page of the development setup: what is in its way, and the ways round that.

use ratatui::crossterm::event::KeyEvent;
use secrecy::SecretString;
use tui_input::{Input, InputRequest};

use crate::{
    devstack::{Beside, Look, Seen, SeenState},
    failure::Failure,
    guide::Variable,
};

use super::form::{Field, edit};

/// One of the things that can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Starts another server beside the one in the way.
    Another(Server),
    /// Uses the PostgreSQL that is there, with its own password.
    There,
    /// Looks again: it may be out of the way by now.
    Again,
}

/// One of the two servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    Etcd,
    Postgres,
}

/// How the development setup is coming along.
pub(super) struct DevelopmentPage {
    /// What was found when somebody was signed in to.
    pub(super) look: Option<Look>,
    /// It is being looked at.
    pub(super) is_looking: bool,
    /// What was said since it was asked to start; none when it was not.
    pub(super) starting: Option<Vec<String>>,
    pub(super) failure: Option<Failure>,
    pub(super) cursor: usize,
    pub(super) etcd_port: Input,
    pub(super) postgres_port: Input,
    pub(super) password: Field,
    /// What was decided, server by server.
    pub(super) decided: Vec<Way>,
}

impl DevelopmentPage {
    /// Nothing is known yet. The variable is the password that PostgreSQL may have of its own.
    pub(super) fn new(password: &'static Variable) -> Self {
        Self {
            look: None,
            is_looking: false,
            starting: None,
            failure: None,
            cursor: 0,
            etcd_port: Input::default(),
            postgres_port: Input::default(),
            password: Field::empty(password),
            decided: Vec::new(),
        }
    }

    /// Takes in what was found. What a person has typed stays.
    pub(super) fn take(&mut self, look: Look) {
        let free = |port: Option<u16>| port.map_or(String::new(), |port| port.to_string());
        let beside = look.beside.unwrap_or_default();
        self.etcd_port = Input::new(free(beside.etcd_port));
        self.postgres_port = Input::new(free(beside.postgres_port));
        self.is_looking = false;
        self.decided.clear();
        self.look = Some(look);
        self.cursor = 0;
    }

    /// What can be done, from the top.
    pub(super) fn ways(&self) -> Vec<Way> {
        let beside = self.look.as_ref().and_then(|look| look.beside).unwrap_or_default();
        let etcd = beside.etcd_port.map(|_| Way::Another(Server::Etcd));
        let postgres = beside.postgres_port.map(|_| Way::Another(Server::Postgres));
        let own = self.look.as_ref().map(|look| &look.postgres.state);
        let there =
            matches!(own, Some(SeenState::InTheWay { has_own_sign_in: true, .. })).then_some(Way::There);
        etcd.into_iter().chain(postgres).chain(there).chain([Way::Again]).collect()
    }

    pub(super) fn way(&self) -> Option<Way> {
        self.ways().get(self.cursor).copied()
    }

    /// Takes what was decided for one server; the next one where nothing is decided yet gets the cursor.
    pub(super) fn decide(&mut self, way: Way) {
        let server = |way: Way| match way {
            Way::Another(Server::Etcd) => Server::Etcd,
            _ => Server::Postgres,
        };
        self.decided.retain(|known| server(*known) != server(way));
        self.decided.push(way);
        let is_open =
            |way: &Way| *way != Way::Again && !self.decided.iter().any(|it| server(*it) == server(*way));
        self.cursor = self.ways().iter().position(is_open).unwrap_or(self.cursor);
    }

    /// Nothing is left to decide.
    pub(super) fn is_decided(&self) -> bool {
        let seen = self.look.iter().flat_map(|look| [&look.etcd, &look.postgres]);
        let in_the_way = seen.filter(|seen| matches!(seen.state, SeenState::InTheWay { .. })).count();
        in_the_way > 0 && self.decided.len() == in_the_way
    }

    /// The ports that were decided for; the text that is none.
    pub(super) fn beside(&self) -> Result<Beside, String> {
        let port = |server: Server, input: &Input| match self.decided.contains(&Way::Another(server)) {
            false => Ok(None),
            true => match input.value().trim().parse::<u16>() {
                Ok(port) if port > 0 => Ok(Some(port)),
                _ => Err(input.value().to_owned()),
            },
        };
        Ok(Beside {
            etcd_port: port(Server::Etcd, &self.etcd_port)?,
            postgres_port: port(Server::Postgres, &self.postgres_port)?,
        })
    }

    /// The password of the server that is used as it is.
    pub(super) fn own_password(&self) -> Option<SecretString> {
        self.password.secret().filter(|_| self.decided.contains(&Way::There))
    }

    /// Types into what the cursor stands on. A port is digits.
    pub(super) fn type_in(&mut self, key: KeyEvent) {
        let port = match self.way() {
            Some(Way::Another(Server::Etcd)) => &mut self.etcd_port,
            Some(Way::Another(Server::Postgres)) => &mut self.postgres_port,
            Some(Way::There) => {
                self.password.type_key(key);
                return;
            }
            Some(Way::Again) | None => return,
        };
        if let Some(request) = edit(key)
            && !matches!(request, InputRequest::InsertChar(letter) if !letter.is_ascii_digit())
        {
            port.handle(request);
        }
    }

    /// Puts a pasted line where the cursor stands.
    pub(super) fn paste(&mut self, line: &str) {
        match self.way() {
            Some(Way::Another(Server::Etcd)) => self.etcd_port = Input::new(line.to_owned()),
            Some(Way::Another(Server::Postgres)) => self.postgres_port = Input::new(line.to_owned()),
            Some(Way::There) => self.password.paste(line),
            Some(Way::Again) | None => {}
        }
    }

    /// A server with its place among the ways.
    pub(super) fn seen(&self, server: Server) -> Option<&Seen> {
        self.look.as_ref().map(|look| match server {
            Server::Etcd => &look.etcd,
            Server::Postgres => &look.postgres,
        })
    }
}
