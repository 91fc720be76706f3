"""From a photo of a dressed person to garment, skin and hair masks, cut-outs and palettes."""
