fn main() {
    println!("{}", greeting::version());
}
