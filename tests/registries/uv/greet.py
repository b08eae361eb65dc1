import jinja2


def greeting(name):
    return jinja2.Template("hello, {{ name }}").render(name=name)
