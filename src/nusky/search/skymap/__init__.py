"""The all-sky map: the likelihood of a point source at every position of the sky.

- `model`: the likelihood at any positions of the data or of a scrambled sky.
- `grid`: which HEALPix pixels are fitted, coarse to fine.
- `spots`: maxima below the grid spacing, with contours and zoom maps.
- `calibration`: local p-values from background trials in declination.
- `hottest`: the hottest spot of each hemisphere, corrected for the whole scan.
- `healpix_file`: FITS files for HEALPix software.
"""
