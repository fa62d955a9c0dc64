"""Van Ulsen 2022, Cao et al. 2018 and Gao and Zheng 2022: trained briefly, measured on the same patients."""
