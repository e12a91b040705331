"""Statistics over runs: association within strata, power, and what neighboring runs predict."""
