"""What a test makes is closed at its end."""

import contextlib


@contextlib.contextmanager
def maker(make, then=None):
    """`make`, but what it has made is closed when the block ends, in the order of making. `then` is done with each as soon as it is
    made."""
    made = []

    def make_and_keep(*arguments, **options):
        made.append(make(*arguments, **options))
        if then:
            then(made[-1])
        return made[-1]

    yield make_and_keep
    for one in made:
        one.close()
