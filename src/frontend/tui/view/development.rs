//! What is in the way of the development setup, as it is drawn.
//!
//! ```text
//!  Development                                  etcd, PostgreSQL and a folder here
//!    ✓ etcd         8120 answers, 3.4.15; will be used
//!    ✗ PostgreSQL   8100 refuses `postgres` with `develove`
//!    ○ Folder       ~/backendai will be made
//!
//!    PostgreSQL
//!  > Start another       Port       8101
//!    Use the one there   Password   ········
//! ```

use ratatui::{
    layout::Position,
    text::{Line, Span},
};

use crate::{
    devstack::{Seen, SeenState},
    failure::Failure,
    frontend::tui::{
        app::App,
        development::{Server, Way},
        text::{pad, wrap},
        theme::Sign,
    },
};

use super::{Canvas, ladder, section};

pub(super) fn page(app: &App, canvas: &mut Canvas<'_>) {
    let roomy = canvas.rows() >= 16;
    canvas.title(" Development", "etcd, PostgreSQL and a folder here");
    if roomy {
        canvas.blank();
    }
    if let Some(look) = &app.dev.look {
        server(canvas, &look.etcd);
        server(canvas, &look.postgres);
        let (path, is_there) = &look.mount;
        let (sign, what) = if *is_there { (Sign::Done, "is there") } else { (Sign::ToCome, "will be made") };
        canvas.message(
            3,
            sign,
            &format!("{}{} {what}", pad("Folder", 13, ""), path.display()),
            Line::default(),
        );
    }
    canvas.blank_if(8);
    if let Some(lines) = &app.dev.starting {
        for line in lines {
            canvas.message(3, Sign::Done, line, Line::default());
        }
        return canvas.message(3, Sign::UnderWay, "starting etcd and PostgreSQL", Line::default());
    }
    let ways = app.dev.ways();
    // What can be done always shows; what is told above it is cut.
    let headings = 2;
    let room = canvas.left().saturating_sub(ways.len() + headings + usize::from(roomy));
    told(app, canvas, room, ways.len() > 1);
    canvas.blank_if(ways.len() + headings);
    let mut heading = None;
    for (at, way) in ways.iter().enumerate() {
        one(app, canvas, *way, at == app.dev.cursor, &mut heading);
    }
}

/// What is in the way, in at most so many rows. Where there are ways round it, they are the remedy.
fn told(app: &App, canvas: &mut Canvas<'_>, room: usize, has_ways: bool) {
    let of_look = app.dev.look.as_ref().and_then(|look| look.obstacle.clone());
    let of_look =
        of_look.map(|failure| Failure { remedy: failure.remedy.clone().filter(|_| !has_ways), ..failure });
    let Some(failure) = app.dev.failure.clone().or(of_look) else { return };
    // As many rows as it takes, and no more than there are.
    let columns = canvas.columns().saturating_sub(6).max(1);
    let lines = |words: &str| wrap(words, columns).len();
    let all = [Some(failure.what.as_str()), failure.why.as_deref(), failure.remedy.as_deref()];
    let needed: usize = all.into_iter().flatten().map(lines).sum::<usize>() + 1;
    canvas.part(room.min(needed), |canvas| ladder::failed(canvas, 3, &failure));
}

fn server(canvas: &mut Canvas<'_>, seen: &Seen) {
    let (sign, words) = match &seen.state {
        SeenState::Answers { version } => (Sign::Done, format!("{} answers, {version}", seen.port)),
        SeenState::Used { words } => (Sign::Done, format!("{}: {words}; will be used", seen.port)),
        SeenState::WillStart { data } => {
            let data = if *data { " with its data" } else { "" };
            (Sign::ToCome, format!("{} will be started{data}", seen.port))
        }
        SeenState::Silent => (Sign::Warning, format!("{} runs, but does not answer", seen.port)),
        SeenState::InTheWay { words, .. } => (Sign::Failed, format!("{} {words}", seen.port)),
    };
    canvas.message(3, sign, &format!("{}{words}", pad(seen.title, 13, "")), Line::default());
}

/// One of the things that can be done, with its field.
fn one(app: &App, canvas: &mut Canvas<'_>, way: Way, here: bool, heading: &mut Option<&'static str>) {
    let theme = canvas.theme;
    let dev = &app.dev;
    let server = match way {
        Way::Another(server) => dev.seen(server),
        Way::There => dev.seen(Server::Postgres),
        Way::Again => None,
    };
    if let Some(title) = server.map(|seen| seen.title).filter(|title| *heading != Some(*title)) {
        canvas.line(format!("   {title}"));
        *heading = Some(title);
    }
    let (x, y) = canvas.at();
    let (title, label) = match way {
        Way::Another(_) => ("Start another", "Port       "),
        Way::There => ("Use the one there", "Password   "),
        Way::Again => ("Check again", ""),
    };
    let mark = canvas.mark(here, 3);
    let chosen = dev.decided.contains(&way);
    let title = if chosen { format!("{title}, chosen") } else { title.to_owned() };
    let before = vec![mark, Span::styled(pad(&title, 26, ""), theme.chosen(here)), Span::raw(label)];
    let column = |offset: usize| {
        let width = 3 + 26 + label.len() + offset;
        Position::new(x + u16::try_from(width).unwrap_or_default(), y)
    };
    let input = match way {
        Way::Another(Server::Etcd) => Some(&dev.etcd_port),
        Way::Another(Server::Postgres) => Some(&dev.postgres_port),
        Way::There | Way::Again => None,
    };
    let mut spans = before;
    if let Some(input) = input {
        spans.push(Span::raw(theme.text(input.value())));
        if here {
            canvas.cursor = Some(column(input.visual_cursor()));
        }
    } else if way == Way::There {
        let (value, offset) = section::value(&dev.password, 30, here, theme.ellipsis());
        spans.push(Span::raw(theme.text(&value.unwrap_or_default())));
        if here {
            canvas.cursor = Some(column(offset));
        }
    }
    canvas.line(Line::from(spans));
    if let (Way::There, Some(error)) = (way, &dev.password.error) {
        canvas.message(3 + 26, Sign::Failed, &error.what, Line::default());
    }
}
