//! Limits of expressions that dynoxide does not check: 300 operators and functions in one, 100 operands of an `IN`
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters>).

use serde_json::Value;

const MAX_OPERATORS: usize = 300;
const MAX_IN_OPERANDS: usize = 100;

/// The shortest expression that can exceed one of the limits, in bytes.
const MIN_LENGTH: usize = 2 * MAX_IN_OPERANDS;

const CONDITIONS: [&str; 3] = ["ConditionExpression", "FilterExpression", "KeyConditionExpression"];

/// Why the expressions of a request, or of an action in it, exceed a limit.
pub(super) fn excess(request: &Value) -> Option<String> {
    let text = |field: &str| request.get(field).and_then(Value::as_str).filter(|text| text.len() >= MIN_LENGTH);
    for field in CONDITIONS {
        let Some(tokens) = text(field).map(tokens) else { continue };
        let operators = operators(&tokens);
        if operators > MAX_OPERATORS {
            return Some(too_many_operators(field));
        }
        if let Some(operands) = in_operands(&tokens).find(|operands| *operands > MAX_IN_OPERANDS) {
            return Some(format!(
                "Invalid {field}: The IN operator is provided with too many operands; number of operands: {operands}"
            ));
        }
    }
    let field = "UpdateExpression";
    let tokens = tokens(text(field)?);
    let arithmetic = tokens.iter().filter(|token| matches!(**token, "+" | "-")).count();
    (arithmetic + functions(&tokens) > MAX_OPERATORS).then(|| too_many_operators(field))
}

/// DynamoDB stops counting at the first operator that is too much.
fn too_many_operators(field: &str) -> String {
    format!("Invalid {field}: The expression contains too many operators; operator count: {}", MAX_OPERATORS + 1)
}

/// The words, comparators and punctuation of an expression.
pub(super) fn tokens(expression: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '<' | '>' if rest.get(1..2).is_some_and(|second| second == "=" || second == ">") => 2,
            '(' | ')' | ',' | '=' | '<' | '>' | '+' | '-' => 1,
            _ => {
                let ends = |character: char| character.is_whitespace() || "(),=<>+-".contains(character);
                rest.find(ends).unwrap_or(rest.len())
            }
        };
        let (token, behind) = rest.split_at(length);
        tokens.push(token);
        rest = behind.trim_start();
    }
    tokens
}

fn is_word(token: &str, word: &str) -> bool {
    token.eq_ignore_ascii_case(word)
}

fn operators(tokens: &[&str]) -> usize {
    let (mut count, mut open_ranges) = (functions(tokens), 0);
    for token in tokens {
        let is_comparator = matches!(*token, "=" | "<>" | "<" | "<=" | ">" | ">=");
        if is_word(token, "BETWEEN") {
            open_ranges += 1;
        } else if is_word(token, "AND") && open_ranges > 0 {
            // The second half of a `BETWEEN`.
            open_ranges -= 1;
            continue;
        }
        let is_keyword = ["BETWEEN", "AND", "OR", "NOT", "IN"].iter().any(|word| is_word(token, word));
        count += usize::from(is_comparator || is_keyword);
    }
    count
}

/// How many functions are called.
fn functions(tokens: &[&str]) -> usize {
    let is_name = |token: &str| {
        token.chars().all(|character| character.is_ascii_lowercase() || character == '_')
            && !["and", "or", "not", "in", "between"].contains(&token)
    };
    tokens.windows(2).filter(|pair| matches!(pair, [name, "("] if is_name(name))).count()
}

/// How many operands each `IN` has.
fn in_operands<'a>(tokens: &'a [&'a str]) -> impl Iterator<Item = usize> + 'a {
    tokens.windows(2).enumerate().filter(|(_, pair)| matches!(pair, [word, "("] if is_word(word, "IN"))).map(
        |(at, _)| {
            let mut depth = 0_usize;
            let mut operands = 1;
            for token in tokens.iter().skip(at + 1) {
                match *token {
                    "(" => depth += 1,
                    ")" if depth == 1 => break,
                    ")" => depth = depth.saturating_sub(1),
                    "," if depth == 1 => operands += 1,
                    _ => {}
                }
            }
            operands
        },
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_expression_is_cut_into_words_comparators_and_punctuation() {
        let text = "SET #a=:a , b = if_not_exists(b,:z)+:one REMOVE c[1].d";
        let expected = [
            "SET",
            "#a",
            "=",
            ":a",
            ",",
            "b",
            "=",
            "if_not_exists",
            "(",
            "b",
            ",",
            ":z",
            ")",
            "+",
            ":one",
            "REMOVE",
            "c[1].d",
        ];
        assert_eq!(tokens(text), expected);
        assert_eq!(tokens("a<>:b AND(c<=:d)"), ["a", "<>", ":b", "AND", "(", "c", "<=", ":d", ")"]);
    }

    #[test]
    fn comparators_words_and_functions_are_operators_and_a_range_is_one() {
        let count = |text: &str| operators(&tokens(text));
        assert_eq!(count("a = :b"), 1);
        assert_eq!(count("a = :b AND NOT (contains(c, :d) OR size(e) > :f)"), 7);
        assert_eq!(count("a BETWEEN :b AND :c AND d IN (:e, :f)"), 3);
        let long = vec!["a < :b"; 151].join(" OR ");
        assert_eq!(count(&long), 301);
        let excess = excess(&json!({ "ConditionExpression": long })).unwrap();
        assert_eq!(
            excess,
            "Invalid ConditionExpression: The expression contains too many operators; operator count: 301"
        );
    }

    #[test]
    fn the_operands_of_each_list_are_counted() {
        let list = |size: usize| format!("a IN ({})", vec![":v"; size].join(","));
        let of = |text: String| excess(&json!({ "FilterExpression": text }));
        assert_eq!(of(list(100)), None);
        assert_eq!(of(format!("{} OR {}", list(100), list(100))), None);
        let refused = of(format!("{} OR {}", list(1), list(101))).unwrap();
        assert_eq!(
            refused,
            "Invalid FilterExpression: The IN operator is provided with too many operands; number of operands: 101"
        );
    }

    #[test]
    fn an_update_counts_its_arithmetic_and_functions_but_not_its_assignments() {
        let sum = |terms: usize| json!({ "UpdateExpression": format!("SET a = {}", vec![":one"; terms].join(" + ")) });
        assert_eq!(excess(&sum(301)), None);
        assert!(excess(&sum(302)).unwrap().starts_with("Invalid UpdateExpression: "));
    }
}
