"""temporary"""


def bands_for(speed):
    return {}
