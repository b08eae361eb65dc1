use itertools::Itertools;

fn greeting(names: &[&str]) -> String {
    format!("hello, {}", names.iter().join(" and "))
}

fn main() {
    println!("{} {}", greeting(&["Ada", "Grace"]), hex::encode("hi"));
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_joined() {
        assert_eq!(super::greeting(&["a", "b"]), "hello, a and b");
    }
}
