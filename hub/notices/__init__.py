"""What the contacts of programs are told: one mail in 24 hours tells all that is pending."""
