//! Line items: the products of a deal, their prices and their total.
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::bodies::read_only::ReadOnlyMembers;
use crate::kernel::bodies::shape::{Rules, Shape};
use crate::kernel::error::{Error, FieldCode, FieldError, Result};
use crate::kernel::values::money::{AMOUNT_MAX, Money};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// A product in a deal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LineItem {
    pub id: Uuid,
    pub product_id: Uuid,
    pub quantity: i32,
    /// The price of one unit before the discount.
    pub price: Money,
    pub discount_percent: i32,
    /// quantity × price − discount, rounded half up to the minor unit.
    pub total: Money,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct LineItemInput {
    pub product_id: Uuid,
    /// 1 if absent.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub quantity: Option<i32>,
    /// The price of the product, if absent.
    pub price: Option<Money>,
    #[schema(minimum = 0, maximum = 100)]
    pub discount_percent: Option<i32>,
}

/// All line items of a deal.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct LineItemReplacement {
    #[schema(max_items = 200)]
    pub line_items: Vec<LineItemInput>,
    /// Whether the value of the deal is set to the total; `true` if absent.
    pub set_value: Option<bool>,
}
impl Rules for LineItemReplacement {
    fn response_shape() -> Option<Arc<Shape>> {
        Some(Shape::of::<LineItemsShown>())
    }
}

/// The response of a replacement in the layout of its request body.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body of a client that sends a response back")]
struct LineItemsShown {
    line_items: Vec<LineItem>,
    total: Option<Money>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LineItemList {
    pub data: Vec<LineItem>,
    /// Null if there are no line items.
    pub total: Option<Money>,
}
/// The operations refuse callers whose role hides the values of deals.
impl NothingHidden for LineItemList {}

impl LineItemList {
    /// Checks whether the line items equal the given items, in the same order and at the given prices.
    pub fn says(&self, items: &[LineItemInput], prices: &[Money]) -> bool {
        let same = |(known, (item, price)): (&LineItem, (&LineItemInput, &Money))| {
            known.product_id == item.product_id
                && known.quantity == item.quantity.unwrap_or(1)
                && known.price == *price
                && known.discount_percent == item.discount_percent.unwrap_or(0)
        };
        self.data.len() == items.len() && self.data.iter().zip(items.iter().zip(prices)).all(same)
    }

    /// Checks that the read-only members in the body of a replacement match the line items before or after it. The
    /// position of an item may have changed.
    pub fn require_unchanged_in(read_only: &ReadOnlyMembers, before: &LineItemList, now: &LineItemList) -> Result<()> {
        if read_only.is_empty() {
            return Ok(());
        }
        let shown = |list: &LineItemList| serde_json::to_value(list).map_err(Error::internal);
        let lists = [shown(before)?, shown(now)?];
        let items = || lists.iter().filter_map(|list| list.get("data")?.as_array()).flatten();
        read_only.require_all(|pointer, value| match pointer.strip_prefix("/line_items/") {
            None => lists.iter().any(|list| list.pointer(pointer) == Some(value)),
            Some(place) => {
                place.split_once('/').is_some_and(|(_, member)| items().any(|item| item.get(member) == Some(value)))
            }
        })
    }
}

/// Returns the total of an item: quantity × price − discount, rounded half up; none if it is too large.
pub(super) fn line_total(quantity: i32, price: i64, discount: i32) -> Option<i64> {
    let hundredths = i128::from(quantity) * i128::from(price) * i128::from(100 - discount);
    i64::try_from((hundredths + 50).div_euclid(100)).ok().filter(|total| total.abs() <= AMOUNT_MAX)
}

/// A product and its price: the id, the amount and the currency.
pub(super) type Listed = (Uuid, Option<i64>, Option<String>);

/// Returns the prices of the items, which must all be in one currency, and their total.
pub fn price(listed: &[Listed], items: &[LineItemInput]) -> Result<(Vec<Money>, Option<Money>)> {
    let (mut prices, mut bad) = (Vec::with_capacity(items.len()), Vec::new());
    let mut total: Option<Money> = None;
    for (n, item) in items.iter().enumerate() {
        let Some((_, amount, currency)) = listed.iter().find(|(id, ..)| *id == item.product_id) else {
            let pointer = format!("/line_items/{n}/product_id");
            bad.push(FieldError::member(pointer, FieldCode::ReferenceNotFound, "no product has this id"));
            continue;
        };
        let of_product = || Some(Money { amount: (*amount)?, currency: currency.clone()? });
        let Some(price) = item.price.clone().or_else(of_product) else {
            let pointer = format!("/line_items/{n}/price");
            bad.push(FieldError::member(pointer, FieldCode::Required, "is required because the product has no price"));
            continue;
        };
        let sum = line_total(item.quantity.unwrap_or(1), price.amount, item.discount_percent.unwrap_or(0));
        let before = total.as_ref().map_or(0, |total| total.amount);
        let all = sum.map(|sum| before + sum).filter(|all| all.abs() <= AMOUNT_MAX);
        match (&mut total, all) {
            (_, None) => bad.push(FieldError::member(
                format!("/line_items/{n}/quantity"),
                FieldCode::OutOfRange,
                "makes the total too large",
            )),
            (None, Some(all)) => total = Some(Money { amount: all, currency: price.currency.clone() }),
            (Some(total), Some(all)) if total.currency == price.currency => total.amount = all,
            (Some(total), _) => {
                let detail =
                    format!("must be {}: all line items of a deal must have the same currency", total.currency);
                bad.push(FieldError::member(format!("/line_items/{n}/price/currency"), FieldCode::Invalid, detail));
            }
        }
        prices.push(price);
    }
    if bad.is_empty() { Ok((prices, total)) } else { Err(Error::members(bad)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::samples::refusals;

    #[test]
    fn totals_are_rounded_half_up() {
        for (case, quantity, price, discount, expected) in [
            ("no discount", 3, 999, 0, Some(2997)),
            ("half a cent up", 1, 5, 10, Some(5)),
            ("less than half a cent down", 1, 5, 11, Some(4)),
            ("half a cent of a rebate up", 1, -5, 10, Some(-4)),
            ("more than half a cent of a rebate", 1, -5, 9, Some(-5)),
            ("all of it off", 7, 999, 100, Some(0)),
            ("the largest", 1, AMOUNT_MAX, 0, Some(AMOUNT_MAX)),
            ("larger than the largest", 2, AMOUNT_MAX, 0, None),
            ("the largest of half", 2, AMOUNT_MAX, 50, Some(AMOUNT_MAX)),
            ("far too large", 1_000_000, AMOUNT_MAX, 0, None),
        ] {
            assert_eq!(line_total(quantity, price, discount), expected, "{case}");
        }
    }

    fn money(amount: i64, currency: &str) -> Money {
        Money { amount, currency: currency.into() }
    }

    fn item(product: u128, quantity: Option<i32>, price: Option<Money>, discount: Option<i32>) -> LineItemInput {
        LineItemInput { product_id: Uuid::from_u128(product), quantity, price, discount_percent: discount }
    }

    /// Product 1 costs 10.00 EUR, product 2 5.00 USD, product 3 nothing that is known.
    fn products() -> Vec<Listed> {
        let of = |id, price: Option<(i64, &str)>| {
            let (amount, currency) = price.map(|(amount, currency)| (amount, currency.to_owned())).unzip();
            (Uuid::from_u128(id), amount, currency)
        };
        vec![of(1, Some((1000, "EUR"))), of(2, Some((500, "USD"))), of(3, None)]
    }

    #[test]
    fn items_without_a_price_use_that_of_the_product() {
        let items = [
            item(1, None, None, None),
            item(3, Some(2), Some(money(5, "EUR")), None),
            item(1, Some(3), None, Some(50)),
        ];
        let (prices, total) = price(&products(), &items).unwrap();
        assert_eq!(prices, [money(1000, "EUR"), money(5, "EUR"), money(1000, "EUR")]);
        assert_eq!(total, Some(money(1000 + 10 + 1500, "EUR")));
        assert_eq!(price(&products(), &[]).unwrap().1, None, "the total of nothing");
    }

    #[test]
    fn invalid_items_are_rejected() {
        let dear = || Some(money(AMOUNT_MAX, "EUR"));
        for (case, items, expected) in [
            ("no such product", vec![item(9, None, None, None)], vec!["/line_items/0/product_id reference_not_found"]),
            ("no price", vec![item(3, None, None, None)], vec!["/line_items/0/price required"]),
            (
                "two currencies",
                vec![item(1, None, None, None), item(2, None, None, None)],
                vec!["/line_items/1/price/currency invalid"],
            ),
            ("too large an item", vec![item(1, Some(2), dear(), None)], vec!["/line_items/0/quantity out_of_range"]),
            (
                "too large a sum",
                vec![item(1, None, dear(), None), item(1, None, None, None)],
                vec!["/line_items/1/quantity out_of_range"],
            ),
            (
                "everything at once",
                vec![item(3, None, None, None), item(1, None, None, None), item(9, None, None, None)],
                vec!["/line_items/0/price required", "/line_items/2/product_id reference_not_found"],
            ),
        ] {
            assert_eq!(refusals(&price(&products(), &items).unwrap_err()), expected, "{case}");
        }
    }
}
