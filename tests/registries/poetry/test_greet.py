import greet


def test_greeting():
    assert greet.greeting("Ada") == "hello, Ada"
