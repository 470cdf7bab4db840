//! Who may do what: the floor of the whole server, and what a tool, a prompt or a resource requires beyond it.

use okta_verifier::Policy;
use okta_verifier_tower::mcp::Tools;

/// The floor: every request needs it, so a client requests it before it has a token.
pub(crate) const READ: Policy = Policy::scope("files:read");

/// An administrator may write too. The challenge names the first alternative, which is the narrower one.
pub(crate) const WRITE: Policy =
    Policy::any(&[Policy::scope("files:write"), Policy::scope("files:admin")]);

pub(crate) const ADMIN: Policy = Policy::scope("files:admin");

/// Returns the policies by name. What is not listed requires the floor.
pub(crate) fn tools() -> Tools {
    Tools::new(READ)
        .tool("write_file", WRITE)
        .prompt("tidy_up", WRITE)
        .resource("files://log/", ADMIN)
}
