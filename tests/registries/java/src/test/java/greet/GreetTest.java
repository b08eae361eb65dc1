package greet;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class GreetTest {
    @Test
    void greets() {
        assertEquals("hello, Ada", Greet.greeting("ada"));
    }
}
