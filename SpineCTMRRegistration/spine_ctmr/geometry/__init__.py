"""The ground floor: voxel grids, rigid motions, sampling and volume change; knows no other room."""
