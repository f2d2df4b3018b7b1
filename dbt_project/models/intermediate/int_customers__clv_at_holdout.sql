{#- Not discounted: it stands beside what came. -#}

{{ lifetime_values(
    'calibration',
    'expected_purchases',
    [
        'recent_purchases',
        'recent_value_amount as recent_value',
        'holdout_purchases',
        'holdout_value_amount as holdout_value',
    ]
) }}
