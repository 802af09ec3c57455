"""Kijitsu (期日): a Japanese municipality's regulatory and ordinance calendar."""
