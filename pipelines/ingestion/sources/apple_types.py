"""Apple's types of records that AURORA reads, and their units in ours. To read one more measurement, add a line."""

from __future__ import annotations

from typing import Final

QUANTITY: Final = "HKQuantityTypeIdentifier"
CATEGORY: Final = "HKCategoryTypeIdentifier"
STEPS: Final = f"{QUANTITY}StepCount"
HEART_RATE: Final = f"{QUANTITY}HeartRate"
SLEEP: Final = f"{CATEGORY}SleepAnalysis"
MINDFUL: Final = f"{CATEGORY}MindfulSession"
BEATS: Final = {"count/min": 1.0, "count/s": 60.0}
_POUND: Final = 0.45359237

# Type → event, column, and what one of each unit is in ours.
MEASUREMENTS: Final[dict[str, tuple[str, str, dict[str, float]]]] = {
    f"{QUANTITY}RestingHeartRate": ("resting_heart_rate", "bpm", {"count/min": 1}),
    # Apple's is SDNN, which is not RMSSD and cannot become it.
    f"{QUANTITY}HeartRateVariabilitySDNN": ("hrv_sdnn", "sdnn_ms", {"ms": 1, "s": 1_000}),
    f"{QUANTITY}BodyMass": (
        "weight",
        "weight_kg",
        {"kg": 1, "g": 0.001, "lb": _POUND, "st": 14 * _POUND, "oz": _POUND / 16},
    ),
    f"{QUANTITY}DietaryWater": (
        "hydration",
        "volume_ml",
        {
            "mL": 1,
            "cL": 10,
            "dL": 100,
            "L": 1_000,
            "fl_oz_us": 29.5735295625,
            "fl_oz_imp": 28.4130625,
            "cup_us": 236.5882365,
            "cup_imp": 284.130625,
            "pt_us": 473.176473,
            "pt_imp": 568.26125,
        },
    ),
    f"{QUANTITY}DietaryCaffeine": ("caffeine", "caffeine_mg", {"mg": 1, "g": 1_000, "mcg": 0.001}),
    # Counted in standard drinks; the American one holds 14 g of alcohol.
    f"{QUANTITY}NumberOfAlcoholicBeverages": ("alcohol", "alcohol_g", {"count": 14}),
}
_GRAMS: Final = {"g": 1.0, "mg": 0.001, "kg": 1_000.0}
NUTRIENTS: Final[dict[str, tuple[str, dict[str, float]]]] = {
    f"{QUANTITY}DietaryEnergyConsumed": (
        "energy_kcal",
        {"kcal": 1, "Cal": 1, "cal": 0.001, "kJ": 1 / 4.184, "J": 1 / 4_184},
    ),
    f"{QUANTITY}DietaryProtein": ("protein_g", _GRAMS),
    f"{QUANTITY}DietaryCarbohydrates": ("carbohydrate_g", _GRAMS),
    f"{QUANTITY}DietaryFatTotal": ("fat_g", _GRAMS),
}
STAGES: Final = {
    "InBed": "in_bed",
    "Asleep": "asleep",
    "AsleepUnspecified": "asleep",
    "AsleepCore": "light",
    "AsleepDeep": "deep",
    "AsleepREM": "rem",
    "Awake": "awake",
}
SLEEP_VALUE: Final = "HKCategoryValueSleepAnalysis"
METRES: Final = {"km": 1_000.0, "mi": 1_609.344, "m": 1.0, "yd": 0.9144, "ft": 0.3048}
KILOCALORIES: Final = {"kcal": 1.0, "Cal": 1.0, "kJ": 1 / 4.184}
