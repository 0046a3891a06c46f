//! `mount`: is the shared folder the same on every node?

use std::io;

use crate::{
    failure::{Code, Failure},
    report::{Nodes, Reporter},
    session::{OfferLimits, Operation, Scope},
};

use super::{
    console::Signals,
    drive::{Invocation, drive, headless, live, status_of},
};

/// Offers the folder; the list of the nodes is the result.
pub fn offer(invocation: &Invocation<'_>, signals: &mut Signals, limits: OfferLimits) -> u8 {
    let list = Nodes::new(anstream::AutoStream::auto(io::stdout()), invocation.terminal.style);
    let scope = Scope::offer(invocation.inputs.setup, limits);
    rendezvous(invocation, signals, Ok(scope), Some(Box::new(list)))
}

/// Looks whether the folder that is offered is here.
pub fn verify(invocation: &Invocation<'_>, signals: &mut Signals, node: Option<String>) -> u8 {
    rendezvous(invocation, signals, Scope::verify(invocation.inputs.setup, node), None)
}

fn rendezvous(
    invocation: &Invocation<'_>,
    signals: &mut Signals,
    scope: Result<Scope, Failure>,
    list: Option<Box<dyn Reporter + Send>>,
) -> u8 {
    let Invocation { terminal, inputs, .. } = invocation;
    if !inputs.say_something() {
        let failure = Failure::new(Code::NeedsAnswers, "nothing says which etcd is meant")
            .why("nodes meet there, and nobody is asked")
            .remedy("give `--set etcd.namespace=NAME --set etcd.endpoints=HOST:PORT`, or `--answers FILE`");
        return terminal.fail(&[failure]);
    }
    headless(terminal, signals, async |signals| {
        let session = invocation.load(signals, scope, Operation::Rendezvous).await?;
        let log = invocation.log_file(signals).await?;
        // The list stands before the closing lines.
        let mut reporters: Vec<_> = list.into_iter().filter(|_| !terminal.is_json()).collect();
        reporters.push(live(terminal, inputs.setup, None));
        reporters.extend(log);
        Ok(status_of(&drive(terminal, signals, &session, Operation::Rendezvous, None, reporters).await))
    })
}
