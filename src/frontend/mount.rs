//! `mount`: is the shared folder the same on every node?

use std::{io, path::Path};

use crate::{
    failure::{Code, Failure},
    report::{Nodes, Reporter},
    session::{Inputs, Intent, Offering, Scope},
};

use super::{
    console::{Signals, Terminal},
    drive::{drive, headless, live, load, opened},
    headless::status_of,
};

/// Offers the folder; the list of the nodes is the result.
pub fn offer(terminal: &Terminal, inputs: &Inputs, offering: Offering, log: Option<&Path>) -> u8 {
    let list = Nodes::new(anstream::AutoStream::auto(io::stdout()), terminal.style);
    meet(terminal, inputs, Ok(Scope::offer(inputs.setup, offering)), Some(Box::new(list)), log)
}

/// Looks whether the folder that is offered is here.
pub fn verify(terminal: &Terminal, inputs: &Inputs, node: Option<String>, log: Option<&Path>) -> u8 {
    meet(terminal, inputs, Scope::verify(inputs.setup, node), None, log)
}

fn meet(
    terminal: &Terminal,
    inputs: &Inputs,
    scope: Result<Scope, Failure>,
    list: Option<Box<dyn Reporter + Send>>,
    log: Option<&Path>,
) -> u8 {
    if !inputs.say_something() {
        let failure = Failure::new(Code::NeedsAnswers, "nothing says which etcd is meant")
            .why("nodes meet there, and nobody is asked")
            .remedy("give `--set etcd.namespace=NAME --set etcd.endpoints=HOST:PORT`, or `--answers FILE`");
        return terminal.fail(&[failure]);
    }
    headless(terminal, async {
        let mut signals = Signals::new();
        let session = match load(terminal, &mut signals, inputs, scope, Intent::Meet).await {
            Ok(session) => session,
            Err(status) => return status,
        };
        let log = match opened(terminal, &mut signals, inputs.setup, log).await {
            Ok(log) => log,
            Err(status) => return status,
        };
        // The list stands before the closing lines.
        let mut reporters: Vec<_> = list.into_iter().filter(|_| !terminal.is_json()).collect();
        reporters.push(live(terminal, terminal.style, inputs.setup, None));
        reporters.extend(log);
        status_of(&drive(terminal, &mut signals, &session, Intent::Meet, None, reporters).await)
    })
}
