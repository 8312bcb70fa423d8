"""A public key whose fingerprint is known: `ssh-keygen -l -E md5`."""

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHkfy17kJngbQCUVhryHhi+AFoSm6c49t3+CzeOROuj7 operator"
FINGERPRINT = "82:d0:a1:99:59:81:1d:4e:de:93:86:63:e1:03:88:18"
OTHER_KEY = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCminDOjlZfZjVx3rHNGCebbCRe17eTaNgYp6X5+mg318xBVjXFae"
    "auc/BHXupF3wVJpqRRaeHTHrdOWfM+XjzEuqztf9JaK7l1c7SdoqDeFr/8LI9Ip1QM2x7tZrAomZRrhJYTxPyRC+wc"
    "K6rXpQm5FwaTRvXeP87ZvLEbN4d9K7EaMOLnUghMNck1FMFYcokDsHZWZnTOX55+OseKHOdASKY9gTxBEmmFP1VOv5"
    "HYKosRpjJM6ulNhlxx0IMLTR3O19dB8YNrOPWtno+jgd8puE62R1karDwpzJflV2PcEZPdgtEFHZV5Gn2guo2B1ZzI"
    "SpaImeT2YMG3gYuRosij reviewer"
)
