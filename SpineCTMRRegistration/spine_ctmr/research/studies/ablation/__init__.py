"""The ablation of Jian et al. 2022, Table 1, on synthetic patients."""
