"""Perceptual hashes: copies agree, other pictures do not."""

import numpy as np
from PIL import Image, ImageEnhance

from ml.data.decode_rgb import decode_rgb
from ml.data.inspection import hamming, perceptual_hash

from .pictures import encoded, picture


def test_a_copy_differs_in_few_bits_and_another_picture_in_many():
    original = picture(400, 300)
    copies = [
        original.resize((133, 100)),
        decode_rgb(encoded(original, "JPEG", quality=30)).image,
        decode_rgb(encoded(original, "WEBP", quality=40)).image,
        ImageEnhance.Brightness(original).enhance(1.1),
    ]
    assert max(hamming(perceptual_hash(original), perceptual_hash(copy)) for copy in copies) <= 6
    others = [hamming(perceptual_hash(original), perceptual_hash(picture(400, 300, seed=s))) for s in range(1, 30)]
    assert min(others) >= 14
    assert 24 <= np.mean(others) <= 40


def test_a_hash_fits_a_signed_64_bit_column():
    hashes = [perceptual_hash(picture(seed=s)) for s in range(20)]
    hashes.append(perceptual_hash(Image.new("RGB", (8, 8))))  # black: not even the constant term is set
    assert all(-(2**63) <= h < 2**63 for h in hashes)
    assert min(hashes) < 0 <= max(hashes)


def test_flat_pictures_are_copies_of_each_other():
    white, grey = (perceptual_hash(Image.new("RGB", (40, 40), (v, v, v))) for v in (255, 90))
    assert hamming(white, grey) == 0


def test_hamming_counts_bits_across_the_sign():
    assert hamming(-1, 0) == 64
    assert hamming(-1, -2) == 1
