"""Two volatility surfaces for the demo, in relative time so that they can start at any moment.

Fitted numbers, not quotes: raw SVI through the bid and ask volatilities of out-of-the-money
options on Deribit, BTC on 2026-01-16 12:31 UTC and ETH on 2024-01-08 11:19 UTC. All expiries of
an underlying were fitted together, so that no butterfly and no calendar spread earns money; core
error (5 to 95 delta) 0.07 to 0.37 volatility points for BTC, 0.12 to 0.50 for ETH. Times to
expiry are rounded to whole days with the volatilities kept.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["BTC", "ETH", "DemoSurface", "SurfacePoint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfacePoint:
    """One expiry: w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)) of total variance.

    a, b, rho, m, sigma are integers x 1e-12; the forward is forward_ratio_ppm of the index.
    """

    days_to_expiry: int
    forward_ratio_ppm: int
    a: int
    b: int
    rho: int
    m: int
    sigma: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSurface:
    """Index of one underlying in micro-USD and its expiries, nearest first."""

    index_micro: int
    points: tuple[SurfacePoint, ...]


BTC: Final = DemoSurface(
    index_micro=95_527_910_000,
    points=(
        SurfacePoint(
            days_to_expiry=7,
            forward_ratio_ppm=1_001_022,
            a=469_632_441,
            b=30_276_812_455,
            rho=-661_756_200_960,
            m=-61_127_407_770,
            sigma=81_177_579_313,
        ),
        SurfacePoint(
            days_to_expiry=14,
            forward_ratio_ppm=1_001_691,
            a=-179_621_719_467,
            b=277_531_296_128,
            rho=-577_362_280_072,
            m=-540_373_475_267,
            sigma=814_503_850_811,
        ),
        SurfacePoint(
            days_to_expiry=21,
            forward_ratio_ppm=1_002_505,
            a=-75_005_681_158,
            b=156_162_490_848,
            rho=-470_706_786_234,
            m=-273_832_115_614,
            sigma=598_937_018_584,
        ),
        SurfacePoint(
            days_to_expiry=42,
            forward_ratio_ppm=1_004_963,
            a=-309_055_773_476,
            b=262_770_694_098,
            rho=-171_056_754_630,
            m=-153_441_796_329,
            sigma=1_256_304_056_063,
        ),
        SurfacePoint(
            days_to_expiry=70,
            forward_ratio_ppm=1_009_395,
            a=-96_746_071_739,
            b=166_075_644_102,
            rho=-152_901_498_062,
            m=-28_482_697_031,
            sigma=767_544_157_254,
        ),
        SurfacePoint(
            days_to_expiry=161,
            forward_ratio_ppm=1_022_141,
            a=-178_544_406_747,
            b=237_553_625_372,
            rho=-144_478_379_950,
            m=22_711_774_703,
            sigma=1_103_449_418_983,
        ),
        SurfacePoint(
            days_to_expiry=252,
            forward_ratio_ppm=1_035_878,
            a=-449_335_300_429,
            b=348_799_199_969,
            rho=-113_727_208_138,
            m=60_448_251_909,
            sigma=1_695_257_175_346,
        ),
    ),
)

ETH: Final = DemoSurface(
    index_micro=2_222_190_000,
    points=(
        SurfacePoint(
            days_to_expiry=11,
            forward_ratio_ppm=1_005_094,
            a=-36_086_760_497,
            b=128_835_596_340,
            rho=-57_095_050_114,
            m=30_053_480_616,
            sigma=416_429_455_340,
        ),
        SurfacePoint(
            days_to_expiry=18,
            forward_ratio_ppm=1_008_757,
            a=-245_807_409_219,
            b=262_229_614_397,
            rho=-58_127_217_411,
            m=-8_887_581_865,
            sigma=1_034_469_368_415,
        ),
        SurfacePoint(
            days_to_expiry=46,
            forward_ratio_ppm=1_021_083,
            a=-568_313_108_195,
            b=420_029_030_292,
            rho=-313_893_515_137,
            m=-508_746_450_713,
            sigma=1_569_523_726_048,
        ),
        SurfacePoint(
            days_to_expiry=81,
            forward_ratio_ppm=1_032_301,
            a=-299_226_974_570,
            b=337_170_996_929,
            rho=-305_027_115_239,
            m=-426_024_774_926,
            sigma=1_248_512_970_220,
        ),
        SurfacePoint(
            days_to_expiry=172,
            forward_ratio_ppm=1_061_957,
            a=32_023_850_980,
            b=251_796_267_672,
            rho=-405_750_760_463,
            m=-501_740_197_821,
            sigma=841_667_255_100,
        ),
        SurfacePoint(
            days_to_expiry=263,
            forward_ratio_ppm=1_084_295,
            a=158_531_143_538,
            b=242_663_801_799,
            rho=-257_024_331_582,
            m=-377_601_347_754,
            sigma=811_171_480_687,
        ),
    ),
)
