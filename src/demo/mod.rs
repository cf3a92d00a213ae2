//! A demonstration zone: plausible parties and a year of vouchers, played through the real commands.
