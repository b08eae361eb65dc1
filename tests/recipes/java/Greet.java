// SPDX-License-Identifier: Apache-2.0
public class Greet {
    public static void main(String[] arguments) {
        String greeting = "hello from Java";
        assert greeting.startsWith("hello");
        System.out.println(greeting);
    }
}
