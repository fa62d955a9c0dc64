"""NIfTI files edited byte by byte, after the standard's list of offsets."""

import gzip
import struct

import numpy as np
import SimpleITK as sitk


def image_of(dtype=np.int16, seed=0):
    """A small oblique image with anisotropic voxels."""
    values = np.random.default_rng(seed).normal(100, 400, (9, 8, 7)).astype(dtype)
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((1.0, 1.5, 2.0))
    image.SetOrigin((5.0, -6.0, 7.0))
    image.SetDirection(sitk.Euler3DTransform((0, 0, 0), 0.1, -0.2, 0.3).GetMatrix())
    return image


def ras_rows(image):
    """The first three rows (3, 4) of the matrix from index to RAS mm."""
    axes = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    rows = np.column_stack([axes, image.GetOrigin()])
    rows[:2] *= -1
    return rows


def nifti1(path, image, qform=None, sform=None, pixdim=None, sform_rows=None, slope=None):
    """`image` as a NIfTI-1 at `path`; codes, spacing, matrix and scaling as given instead."""
    plain = path.with_name("plain.nii")
    sitk.WriteImage(image, plain)
    data = bytearray(plain.read_bytes())
    plain.unlink()
    for offset, code, value in ((252, "<h", qform), (254, "<h", sform)):
        if value is not None:
            struct.pack_into(code, data, offset, value)
    if pixdim is not None:
        struct.pack_into("<3f", data, 80, *pixdim)
    if sform_rows is not None:
        struct.pack_into("<12f", data, 280, *np.ravel(sform_rows))
    if slope is not None:
        struct.pack_into("<2f", data, 112, *slope)
    return put(path, bytes(data))


def nifti2(path, image, datatype, slope=(0.0, 0.0), order="<"):
    """`image` as a NIfTI-2 with an sform only."""
    values = sitk.GetArrayFromImage(image)
    head = bytearray(540)
    struct.pack_into(order + "i", head, 0, 540)
    head[4:12] = b"n+2\0\r\n\x1a\n"
    struct.pack_into(order + "2h", head, 12, datatype, 8 * values.dtype.itemsize)
    struct.pack_into(order + "8q", head, 16, 3, *image.GetSize(), 1, 1, 1, 1)
    struct.pack_into(order + "8d", head, 104, 1, *image.GetSpacing(), 0, 0, 0, 0)
    struct.pack_into(order + "q", head, 168, 544)
    struct.pack_into(order + "2d", head, 176, *slope)
    struct.pack_into(order + "2i", head, 344, 0, 1)
    struct.pack_into(order + "12d", head, 400, *ras_rows(image).ravel())
    struct.pack_into(order + "i", head, 500, 2)
    voxels = values.astype(values.dtype.newbyteorder(order)).tobytes()
    return put(path, bytes(head) + b"\0" * 4 + voxels)


def put(path, data):
    """Bytes at `path`, zipped if the name says so."""
    path.write_bytes(gzip.compress(data) if path.name.endswith(".gz") else data)
    return path
