//! Could the manager, whose session is one like ours, use the database? Each remedy names the database to connect to, who
//! may run it, and the statements to the letter.

use crate::{
    failure::{Code, Failure},
    guide::Database,
    services::postgres::{Function, Rights, Use, quote_identifier},
};

use super::judge;

/// Could the manager use the schema at the head?
pub(super) fn usable(database: &Database, found: &Use) -> Result<(), Failure> {
    let (role, name) = (quote_identifier(&database.user), quote_identifier(&database.name));
    let user = &database.user;
    let owner = found.owner.as_deref().unwrap_or("the owner of each table");
    let who = format!("in database {name}, as {} or a superuser", quoted(owner, found.owner.is_some()));
    let tables = |names: &[String]| {
        let names: Vec<_> = names.iter().map(|table| format!("public.{}", quote_identifier(table))).collect();
        names.join(", ")
    };
    let mut lacks = Vec::new();
    let mut grants = Vec::new();
    if found.no_usage {
        lacks.push("USAGE on schema `public`".to_owned());
        grants.push(format!("GRANT USAGE ON SCHEMA public TO {role}"));
    }
    if !found.closed.is_empty() {
        lacks.push(format!("a right on {}", found.closed.join(", ")));
        let closed = tables(&found.closed);
        grants.push(format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {closed} TO {role}"));
    }
    if !found.sequences.is_empty() {
        let sequences = found.sequences.join(", ");
        lacks.push(format!("USAGE on sequence {sequences}"));
        grants.push(format!("GRANT USAGE ON SEQUENCE {sequences} TO {role}"));
    }
    if !grants.is_empty() {
        let (more, of_function) = function_grants(database, found.function.as_ref());
        lacks.extend(more);
        grants.extend(of_function);
        let what = format!("`{user}` may not read and write the manager's tables in `{}`", database.name);
        return Err(Failure::new(Code::DbRights, what)
            .why(format!("the manager signs in as this user; it lacks {}", lacks.join("; ")))
            .remedy(format!("{who}: {}", grants.join("; "))));
    }
    callable(database, found.function.as_ref())?;
    by_name(database, found)
}

/// Does the user find tables and function by their names alone, as the manager calls them?
fn by_name(database: &Database, found: &Use) -> Result<(), Failure> {
    let (role, name) = (quote_identifier(&database.user), quote_identifier(&database.name));
    let user = &database.user;
    let mut hidden = found.hidden.clone();
    let uuid = found.function.as_ref().is_some_and(|function| function.found);
    hidden.extend((!uuid).then(|| "uuid_generate_v4()".to_owned()));
    if !hidden.is_empty() {
        let what =
            format!("`{user}` does not find the manager's tables in `{}` by their names", database.name);
        let path = match &found.function {
            Some(function) if function.schema != "public" && function.schema != "pg_catalog" => {
                format!("public, {}", quote_identifier(&function.schema))
            }
            _ => "public".to_owned(),
        };
        return Err(Failure::new(Code::DbSearchPath, what)
            .why(format!("its `search_path` leads elsewhere, or nowhere, for {}", hidden.join(", ")))
            .remedy(format!(
                "as that user or a superuser: ALTER ROLE {role} IN DATABASE {name} SET search_path = {path}"
            )));
    }
    Ok(())
}

fn quoted(owner: &str, is_name: bool) -> String {
    if is_name { format!("`{owner}`") } else { owner.to_owned() }
}

/// What the user lacks to call the function, and the statements that give it.
fn function_grants(database: &Database, function: Option<&Function>) -> (Vec<String>, Vec<String>) {
    let role = quote_identifier(&database.user);
    let (mut lacks, mut grants) = (Vec::new(), Vec::new());
    let Some(function) = function else { return (lacks, grants) };
    let schema = quote_identifier(&function.schema);
    if !function.reachable && function.schema != "public" {
        lacks.push(format!("USAGE on schema `{}`", function.schema));
        grants.push(format!("GRANT USAGE ON SCHEMA {schema} TO {role}"));
    }
    if !function.callable {
        lacks.push("EXECUTE on `uuid_generate_v4()`".to_owned());
        grants.push(format!("GRANT EXECUTE ON FUNCTION {schema}.uuid_generate_v4() TO {role}"));
    }
    (lacks, grants)
}

/// May the user call the function by which the tables make their ids?
fn callable(database: &Database, function: Option<&Function>) -> Result<(), Failure> {
    let (lacks, grants) = function_grants(database, function);
    if grants.is_empty() {
        return Ok(());
    }
    let what = format!("`{}` may not call `uuid_generate_v4()` in `{}`", database.user, database.name);
    Err(Failure::new(Code::DbRights, what)
        .why(format!("the manager makes its ids by it, as this user, which lacks {}", lacks.join("; ")))
        .remedy(format!(
            "in database {}, as a superuser: {}",
            quote_identifier(&database.name),
            grants.join("; ")
        )))
}

/// May the schema be installed into this database?
pub(super) fn installable(database: &Database, rights: &Rights) -> Result<(), Failure> {
    let (role, name) = (quote_identifier(&database.user), quote_identifier(&database.name));
    let user = &database.user;
    let Some(public) = rights.public else {
        return Err(Failure::new(
            Code::DbShape,
            format!("database `{}` has no schema public", database.name),
        )
        .remedy(format!(
            "in database {name}, as its owner or a superuser: CREATE SCHEMA public AUTHORIZATION {role}"
        )));
    };
    if !public {
        let what = format!("`{user}` may not create tables in schema public of `{}`", database.name);
        // The extension takes a right of its own, which would be the next one to be missing.
        let more = if rights.database || rights.extension_schema.is_some() {
            String::new()
        } else {
            format!("; GRANT CREATE ON DATABASE {name} TO {role}")
        };
        return Err(Failure::new(Code::DbRights, what).remedy(format!(
            "in database {name}, as a superuser: GRANT USAGE, CREATE ON SCHEMA public TO {role}{more}"
        )));
    }
    if !rights.search_path.iter().any(|schema| schema == "public") {
        return Err(elsewhere(database, "schema public is not on its `search_path`"));
    }
    if rights.extension_schema.is_some() {
        callable(database, rights.function.as_ref())?;
    }
    match &rights.extension_schema {
        Some((_, true)) => Ok(()),
        Some((schema, false)) => {
            let what = format!("extension `uuid-ossp` of `{}` is in schema `{schema}`", database.name);
            Err(Failure::new(Code::DbExtension, what)
                .why("the manager calls `uuid_generate_v4()` without a schema, and this one is not on the `search_path`")
                .remedy(format!(
                    "as that user: ALTER ROLE {role} IN DATABASE {name} SET search_path = public, {}; or in database {name}, as a superuser: ALTER EXTENSION \"uuid-ossp\" SET SCHEMA public",
                    quote_identifier(schema)
                )))
        }
        None => judge::creatable(database, rights.extension, Some(rights.database)),
    }
}

/// Another schema has tables of these names, and comes first on the search path.
pub(super) fn shadowed(database: &Database, shadows: &[String]) -> Result<(), Failure> {
    if shadows.is_empty() {
        return Ok(());
    }
    Err(elsewhere(database, &format!("it leads to {} first", shadows.join(", "))))
}

/// The manager would look for its tables in the wrong place.
fn elsewhere(database: &Database, why: &str) -> Failure {
    let Database { user, name, .. } = database;
    let (role, base) = (quote_identifier(user), quote_identifier(name));
    let what = format!("`{user}` would not find the manager's tables in `{name}` by their names");
    Failure::new(Code::DbSearchPath, what).why(why).remedy(format!(
        "as that user or a superuser: ALTER ROLE {role} IN DATABASE {base} SET search_path = public"
    ))
}
