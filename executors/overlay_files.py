"""What a machine holds of the overlay, worked out from the registry. Pure."""

# As flanneld calls it.
OVERLAY_DEVICE = "flannel-wg"
