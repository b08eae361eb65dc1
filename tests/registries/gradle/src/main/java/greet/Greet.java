package greet;

import org.apache.commons.lang3.StringUtils;

public final class Greet {
    private Greet() {
    }

    public static String greeting(String name) {
        return "hello, " + StringUtils.capitalize(name);
    }
}
