//! The borders of the house: imports that point the wrong way fail here.
