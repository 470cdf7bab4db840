//! [`OwnedPolicy`]: a policy that is read from data, and how it is read.

use std::{cell::Cell, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor},
};

use super::{
    Policy, evaluate,
    rule::{self, Owned, Rule},
};
use crate::{
    duration::DurationText,
    http::{Anonymous, Rejection},
    token::{SubjectKind, json},
    verified_token::VerifiedToken,
};

/// A policy that is read from data at run time, such as a settings file or a database, with the rules of
/// [`Policy`] and the same rejections.
///
/// It implements [`Deserialize`], so that it can be part of the settings of a service in TOML, JSON or YAML.
/// Each table has one rule:
///
/// | table in TOML | rule |
/// |---|---|
/// | `{ any_token = true }` | [`Policy::any_token`] |
/// | `{ scope = "orders:read" }` | [`Policy::scope`] |
/// | `{ group = "Admins" }` | [`Policy::group`] |
/// | `{ claim = "department", value = "sales" }` | [`Policy::claim`] |
/// | `{ claim_path = ["realm_access", "roles"], value = "admin" }` | [`Policy::claim_path`] |
/// | `{ user = true }` | [`Policy::user`] |
/// | `{ service = true }` | [`Policy::service`] |
/// | `{ bound = true }` | [`Policy::bound`] |
/// | `{ acr = ["urn:okta:loa:2fa:any"] }` | [`Policy::acr`] |
/// | `{ max_age = "10m" }`, with the units `ms`, `s`, `m` and `h` | [`Policy::max_age`] |
/// | `{ all = [{ scope = "orders:write" }, { group = "Admins" }] }` | [`Policy::all`] |
/// | `{ any = [{ scope = "orders:read" }, { group = "Admins" }] }` | [`Policy::any`] |
///
/// [`Policy::when`] is for code only. A malformed policy is an error of the deserializer that says what is wrong
/// and what to write: a malformed value, an unknown name, a table without a rule or with two rules, an empty
/// `all` or `any`, more than 16 levels of tables, or more than 1,000 rules, where each value of `acr` counts as
/// one.
///
/// A [`Policy`] is converted with `From`, without an allocation. Clones share the rules, so cloning is cheap.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::Verifier;
/// use std::collections::HashMap;
///
/// use okta_verifier::OwnedPolicy;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let policies: HashMap<String, OwnedPolicy> = toml::from_str(r#"
///     read = { scope = "orders:read" }
///     cancel = { all = [{ scope = "orders:write" }, { any = [{ group = "Admins" }, { max_age = "10m" }] }] }
/// "#)?;
///
/// let token = verifier.verify(&okta.token("ada").scope("orders:read").sign()).await?;
/// assert!(token.require(&policies["read"]).is_ok());
/// assert_eq!(token.require(&policies["cancel"]).unwrap_err().status(), 403); // without orders:write
///
/// let error = toml::from_str::<OwnedPolicy>(r#"scope = "orders read""#).unwrap_err();
/// assert!(error.message().starts_with(r#"scope "orders read": write one scope token"#));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct OwnedPolicy(Source);

#[derive(Clone)]
pub(super) enum Source {
    Code(Policy),
    Data(Arc<Rule<Owned>>),
}

impl OwnedPolicy {
    /// Checks the policy like [`Policy::admit`], with the token or the [`Anonymous`] that a layer inserted into a
    /// request's extensions, and returns the token.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{adapter::RequestCredentials, OwnedPolicy, Verifier};
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// # let authorization = format!("Bearer {}", okta.token("ada").scope("orders:read").sign());
    /// # let credentials = RequestCredentials::new([authorization.as_bytes()]);
    /// # let token = &verifier.authenticate(&credentials).into_ready().unwrap().unwrap();
    /// let read: OwnedPolicy = serde_json::from_str(r#"{ "scope": "orders:read" }"#)?;
    /// assert!(read.admit(Some(token), None).is_ok());
    /// assert_eq!(read.admit(None, Some(&verifier.anonymous())).unwrap_err().status(), 401);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Policy::admit`].
    pub fn admit<'t>(
        &self,
        token: Option<&'t VerifiedToken>,
        anonymous: Option<&Anonymous>,
    ) -> Result<&'t VerifiedToken, Rejection> {
        evaluate::admit(self, token, anonymous)
    }

    pub(super) fn source(&self) -> &Source {
        &self.0
    }
}

impl From<Policy> for OwnedPolicy {
    fn from(policy: Policy) -> Self {
        Self(Source::Code(policy))
    }
}

impl fmt::Debug for OwnedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Code(policy) => policy.fmt(f),
            Source::Data(rule) => rule.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for OwnedPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let left = Cell::new(MAX_RULES);
        let rule = Table {
            level: 1,
            left: &left,
        }
        .deserialize(deserializer)?;
        Ok(Self(Source::Data(Arc::new(rule))))
    }
}

/// Reads one table. The limits are checked before the contents are read, so that they bound the recursion too.
#[derive(Clone, Copy)]
struct Table<'c> {
    /// The level of the table, from 1.
    level: usize,
    /// The number of rules that the whole policy may still have.
    left: &'c Cell<usize>,
}

/// The members of a table.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Member {
    AnyToken,
    Scope,
    Group,
    Claim,
    ClaimPath,
    Value,
    User,
    Service,
    Bound,
    Acr,
    MaxAge,
    All,
    Any,
}

impl<'de> DeserializeSeed<'de> for Table<'_> {
    type Value = Rule<Owned>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.level > MAX_LEVELS {
            return Err(D::Error::custom(format_args!(
                "the policy has more than {MAX_LEVELS} levels of `all` and `any`"
            )));
        }
        self.count(1)?;
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Table<'_> {
    type Value = Rule<Owned>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table with one rule of a policy, such as { scope = \"orders:read\" }")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found: Option<(Member, Rule<Owned>)> = None;
        let mut value: Option<Box<str>> = None;
        while let Some(name) = map.next_key::<Box<str>>()? {
            // The name is read as text first, because the derived code takes a number for the index of a
            // member.
            let member = Member::deserialize((&*name).into_deserializer())?;
            if let Some((first, _)) = found
                && member != Member::Value
            {
                return Err(second_rule(first, member));
            }
            let rule = match member {
                Member::AnyToken => on(member, &mut map, Rule::AnyToken)?,
                Member::User => on(member, &mut map, Rule::Subject(SubjectKind::User))?,
                Member::Service => on(member, &mut map, Rule::Subject(SubjectKind::Service))?,
                Member::Bound => on(member, &mut map, Rule::Bound)?,
                Member::Scope => Rule::Scope(text(member, &mut map, rule::check_scope)?),
                Member::Group => Rule::Group(text(member, &mut map, rule::check_group)?),
                // The value may precede or follow. It is filled in at the end.
                Member::Claim => {
                    Rule::Claim(text(member, &mut map, rule::check_claim)?, Box::default())
                }
                Member::ClaimPath => {
                    Rule::ClaimPath(texts(member, &mut map, json::check_path)?, Box::default())
                }
                Member::Value if value.is_some() => {
                    return Err(A::Error::duplicate_field(member.name()));
                }
                Member::Value => {
                    value = Some(map.next_value()?);
                    continue;
                }
                Member::Acr => {
                    let values = texts(member, &mut map, rule::check_acr)?;
                    self.count(values.len() - 1)?; // the table itself is counted
                    Rule::Acr(values)
                }
                Member::MaxAge => Rule::MaxAge(map.next_value::<DurationText>()?.0),
                Member::All => Rule::All(self.tables(member, &mut map)?),
                Member::Any => Rule::Any(self.tables(member, &mut map)?),
            };
            found = Some((member, rule));
        }
        let Some((member, mut rule)) = found else {
            return Err(A::Error::custom(
                "a table of a policy has no rule; write one, such as { scope = \"orders:read\" }",
            ));
        };
        let place = match &mut rule {
            Rule::Claim(_, place) | Rule::ClaimPath(_, place) => Some(place),
            _ => None,
        };
        match (place, value) {
            (None, None) => {}
            (Some(place), Some(value)) => *place = value,
            (Some(_), None) => {
                return Err(A::Error::custom(format_args!(
                    "`{}` requires `value` in the same table, such as {{ claim = \"department\", value = \"sales\" }}",
                    member.name()
                )));
            }
            (None, Some(_)) => {
                return Err(A::Error::custom(format_args!(
                    "`value` belongs to `claim` or `claim_path`; remove it from the table with `{}`",
                    member.name()
                )));
            }
        }
        Ok(rule)
    }
}

impl Table<'_> {
    /// Counts rules of the policy.
    fn count<E: Error>(self, rules: usize) -> Result<(), E> {
        let left =
            self.left.get().checked_sub(rules).ok_or_else(|| {
                E::custom(format_args!("the policy has more than {MAX_RULES} rules"))
            })?;
        self.left.set(left);
        Ok(())
    }

    /// Reads the list of tables of an `all` or an `any`.
    fn tables<'de, A: MapAccess<'de>>(
        self,
        member: Member,
        map: &mut A,
    ) -> Result<Box<[Rule<Owned>]>, A::Error> {
        let level = self.level + 1;
        let policies = map.next_value_seed(Tables(Self { level, ..self }))?;
        let check = rule::check_count(policies.len());
        check
            .map_err(|problem| A::Error::custom(format_args!("`{}`: {problem}", member.name())))?;
        Ok(policies.into_boxed_slice())
    }
}

/// Reads a list of tables, each with this limit.
struct Tables<'c>(Table<'c>);

impl<'de> DeserializeSeed<'de> for Tables<'_> {
    type Value = Vec<Rule<Owned>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Tables<'_> {
    type Value = Vec<Rule<Owned>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a list of tables, such as [{ scope = \"orders:read\" }, { group = \"Admins\" }]",
        )
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut policies = Vec::new();
        while let Some(policy) = list.next_element_seed(self.0)? {
            policies.push(policy);
        }
        Ok(policies)
    }
}

impl Member {
    fn name(self) -> &'static str {
        match self {
            Self::AnyToken => "any_token",
            Self::Scope => "scope",
            Self::Group => "group",
            Self::Claim => "claim",
            Self::ClaimPath => "claim_path",
            Self::Value => "value",
            Self::User => "user",
            Self::Service => "service",
            Self::Bound => "bound",
            Self::Acr => "acr",
            Self::MaxAge => "max_age",
            Self::All => "all",
            Self::Any => "any",
        }
    }
}

/// Reads the value of a rule that has no parameters.
fn on<'de, A: MapAccess<'de>>(
    member: Member,
    map: &mut A,
    rule: Rule<Owned>,
) -> Result<Rule<Owned>, A::Error> {
    if map.next_value()? {
        return Ok(rule);
    }
    // Without this error, `user = false` could be taken for a rule that rejects users.
    Err(A::Error::custom(format_args!(
        "`{}`: write true, or remove the table",
        member.name()
    )))
}

/// Reads a text and checks it. The error shows the text.
fn text<'de, A: MapAccess<'de>>(
    member: Member,
    map: &mut A,
    check: fn(&str) -> Result<(), &'static str>,
) -> Result<Box<str>, A::Error> {
    let text: Box<str> = map.next_value()?;
    match check(&text) {
        Ok(()) => Ok(text),
        Err(problem) => Err(malformed(member, &text, problem)),
    }
}

/// Reads a list of texts and checks it. The error shows the list.
fn texts<'de, A: MapAccess<'de>>(
    member: Member,
    map: &mut A,
    check: fn(&[&str]) -> Result<(), &'static str>,
) -> Result<Box<[Box<str>]>, A::Error> {
    let texts: Box<[Box<str>]> = map.next_value()?;
    let list: Vec<&str> = texts.iter().map(|text| &**text).collect();
    check(&list).map_err(|problem| malformed(member, &list, problem))?;
    Ok(texts)
}

fn malformed<E: Error>(member: Member, value: &dyn fmt::Debug, problem: &str) -> E {
    E::custom(format_args!("{} {value:?}: {problem}", member.name()))
}

fn second_rule<E: Error>(first: Member, second: Member) -> E {
    if first == second {
        return E::duplicate_field(first.name());
    }
    E::custom(format_args!(
        "a table has one rule, but this one has `{}` and `{}`; write a table for each, and `all` or `any` around them",
        first.name(),
        second.name()
    ))
}

const MAX_LEVELS: usize = 16;
const MAX_RULES: usize = 1_000;
