"""Files from elsewhere, measured before they are read and checked before they are used."""

from .files import agree as agree
from .files import damaged as damaged
from .files import finite as finite
from .files import made_of as made_of
from .files import parsed as parsed
from .files import read_archive as read_archive
from .files import read_json as read_json
from .files import read_table as read_table
from .files import read_tensors as read_tensors
from .files import regular_file as regular_file
from .yaml_text import parse_yaml as parse_yaml
from .yaml_text import read_yaml as read_yaml
