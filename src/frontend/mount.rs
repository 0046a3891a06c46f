//! `mount`: is the shared folder the same on every node?

use std::io;

use crate::{
    failure::{Code, Failure},
    report::{Nodes, Reporter},
    session::{Inputs, Intent, Offering, Scope, Session},
};

use super::{
    Terminal,
    headless::{drive, in_runtime, live, status_of},
};

/// Offers the folder; the list of the nodes is the result.
pub fn offer(terminal: &Terminal, inputs: &Inputs, offering: Offering) -> u8 {
    let list = Nodes::new(anstream::AutoStream::auto(io::stdout()), terminal.style);
    meet(terminal, inputs, Ok(Scope::offer(offering)), Some(Box::new(list)))
}

/// Looks whether the folder that is offered is here.
pub fn verify(terminal: &Terminal, inputs: &Inputs, node: Option<String>) -> u8 {
    meet(terminal, inputs, Scope::verify(node), None)
}

fn meet(
    terminal: &Terminal,
    inputs: &Inputs,
    scope: Result<Scope, Failure>,
    list: Option<Box<dyn Reporter + Send>>,
) -> u8 {
    if !inputs.say_something() {
        let failure = Failure::new(Code::NeedsAnswers, "nothing says which etcd is meant")
            .why("nodes meet there, and nobody is asked")
            .remedy("give `--set etcd.namespace=NAME --set etcd.endpoints=HOST:PORT`, or `--answers FILE`");
        return terminal.fail(&[failure]);
    }
    let load = |scope| Session::load(inputs, scope, Intent::Meet);
    let session = match scope.map_err(|failure| vec![failure]).and_then(load) {
        Ok(session) => session,
        Err(failures) => return terminal.fail(&failures),
    };
    in_runtime(terminal, async {
        // The list stands before the closing lines.
        let mut reporters: Vec<_> = list.into_iter().filter(|_| !terminal.is_json()).collect();
        reporters.push(live(terminal, terminal.style, Vec::new()));
        status_of(&drive(terminal, &session, Intent::Meet, None, &mut reporters).await)
    })
}
