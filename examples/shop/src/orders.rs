//! The business of the shop: its orders, in memory.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures_util::{Stream, stream};
use okta_verifier::{ApplicationRejection, VerifiedToken};
use serde::Serialize;
use tokio::sync::broadcast::{self, error::RecvError};

pub(crate) const ARTICLES: [&str; 3] = ["book", "lamp", "tea"];

const NO_SUCH_ARTICLE: ApplicationRejection = ApplicationRejection::new(422, "no_such_article");
const NO_SUCH_ORDER: ApplicationRejection = ApplicationRejection::new(404, "no_such_order");
const WRONG_STATE: ApplicationRejection = ApplicationRejection::new(409, "wrong_state_of_order");

/// The oldest order is dropped if there are more.
const CAPACITY: usize = 10_000;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Order {
    id: u64,
    article: &'static str,
    state: State,
    #[serde(skip)]
    customer: Customer,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Placed,
    Paid,
    Refunded,
}

/// A subject is unique only within its issuer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Customer {
    issuer: String,
    subject: String,
}

#[derive(Debug)]
pub(crate) struct Orders {
    orders: Mutex<VecDeque<Order>>,
    changes: broadcast::Sender<Order>,
}

impl Customer {
    pub(crate) fn of(token: &VerifiedToken) -> Self {
        Self {
            issuer: token.issuer().to_owned(),
            subject: token.subject().to_owned(),
        }
    }
}

impl Orders {
    pub(crate) fn new() -> Self {
        Self {
            orders: Mutex::default(),
            changes: broadcast::Sender::new(64),
        }
    }

    pub(crate) fn place(
        &self,
        customer: Customer,
        article: &str,
    ) -> Result<Order, ApplicationRejection> {
        let article = ARTICLES.into_iter().find(|it| *it == article);
        let article = article.ok_or(NO_SUCH_ARTICLE)?;
        let mut orders = self.orders();
        let order = Order {
            id: orders.back().map_or(1, |last| last.id + 1),
            article,
            state: State::Placed,
            customer,
        };
        if orders.len() == CAPACITY {
            orders.pop_front();
        }
        orders.push_back(order.clone());
        self.publish(&order);
        Ok(order)
    }

    /// Pays an order of this customer. The order of another customer does not exist for them.
    pub(crate) fn pay(&self, customer: &Customer, id: u64) -> Result<Order, ApplicationRejection> {
        self.change(
            id,
            |order| order.customer == *customer,
            State::Placed,
            State::Paid,
        )
    }

    /// Refunds an order of any customer.
    pub(crate) fn refund(&self, id: u64) -> Result<Order, ApplicationRejection> {
        self.change(id, |_| true, State::Paid, State::Refunded)
    }

    /// Returns the changes of this customer's orders from now on.
    pub(crate) fn changes(
        &self,
        customer: Customer,
    ) -> impl Stream<Item = Order> + Send + 'static + use<> {
        let state = (self.changes.subscribe(), customer);
        stream::unfold(state, async |(mut changes, customer)| {
            loop {
                match changes.recv().await {
                    Ok(order) if order.customer == customer => {
                        return Some((order, (changes, customer)));
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        })
    }

    fn change(
        &self,
        id: u64,
        is_theirs: impl Fn(&Order) -> bool,
        from: State,
        to: State,
    ) -> Result<Order, ApplicationRejection> {
        let mut orders = self.orders();
        let order = orders.iter_mut().find(|it| it.id == id && is_theirs(it));
        let order = order.ok_or(NO_SUCH_ORDER)?;
        if order.state != from {
            return Err(WRONG_STATE);
        }
        order.state = to;
        self.publish(order);
        Ok(order.clone())
    }

    fn publish(&self, order: &Order) {
        // It fails if no stream is open.
        let _ = self.changes.send(order.clone());
    }

    fn orders(&self) -> MutexGuard<'_, VecDeque<Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
