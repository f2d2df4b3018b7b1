{{ lifetime_values('current', 'discounted_expected_purchases') }}
