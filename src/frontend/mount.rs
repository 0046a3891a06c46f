//! `mount`: is the shared folder the same on every node?

use std::{io, path::Path};

use crate::{
    failure::{Code, Failure},
    report::{Nodes, Reporter},
    session::{Inputs, OfferLimits, Operation, Scope},
};

use super::{
    console::{Signals, Terminal},
    drive::{drive, headless, live, load, opened, status_of},
};

/// Offers the folder; the list of the nodes is the result.
pub fn offer(
    terminal: &Terminal,
    signals: &mut Signals,
    inputs: &Inputs,
    offering: OfferLimits,
    log: Option<&Path>,
) -> u8 {
    let list = Nodes::new(anstream::AutoStream::auto(io::stdout()), terminal.style);
    rendezvous(terminal, signals, inputs, Ok(Scope::offer(inputs.setup, offering)), Some(Box::new(list)), log)
}

/// Looks whether the folder that is offered is here.
pub fn verify(
    terminal: &Terminal,
    signals: &mut Signals,
    inputs: &Inputs,
    node: Option<String>,
    log: Option<&Path>,
) -> u8 {
    rendezvous(terminal, signals, inputs, Scope::verify(inputs.setup, node), None, log)
}

fn rendezvous(
    terminal: &Terminal,
    signals: &mut Signals,
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
    headless(terminal, signals, async |signals| {
        let session = load(terminal, signals, inputs, scope, Operation::Rendezvous).await?;
        let log = opened(terminal, signals, inputs.setup, log).await?;
        // The list stands before the closing lines.
        let mut reporters: Vec<_> = list.into_iter().filter(|_| !terminal.is_json()).collect();
        reporters.push(live(terminal, inputs.setup, None));
        reporters.extend(log);
        Ok(status_of(&drive(terminal, signals, &session, Operation::Rendezvous, None, reporters).await))
    })
}
