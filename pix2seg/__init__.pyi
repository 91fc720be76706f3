from .classes import Scheme as Scheme
from .classes import load_scheme as load_scheme
from .colors.color import Color as Color
from .colors.palette import Palette as Palette
from .colors.palette import Swatch as Swatch
from .colors.palette import extract_palette as extract_palette
from .errors import PersonError as PersonError
from .errors import PhotoError as PhotoError
from .errors import Pix2SegError as Pix2SegError
from .garments import Garment as Garment
from .photo import Photo as Photo
from .photo import read_photo as read_photo
from .preprocess.person.base import Person as Person
from .result import Segmentation as Segmentation
from .segmenter import Segmenter as Segmenter

__version__: str
