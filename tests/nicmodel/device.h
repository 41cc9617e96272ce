/* SPDX-License-Identifier: BSD-3-Clause */
/* Making and removing the port of a device. */
#ifndef TG_NICMODEL_DEVICE_H
#define TG_NICMODEL_DEVICE_H

#include <bus_vdev_driver.h>

#include "profile.h"

struct nm_device_config {
	const char *lower;
	const struct tg_nic_profile *profile; /* NULL: takes everything */
	int number;			      /* of the switch; -1: none */
	const char *reset;		      /* file that asks for a reset; NULL: none */
};

/* 0 or -errno. */
int nm_device_make(struct rte_vdev_device *vdev, const struct nm_device_config *config);
int nm_device_remove(struct rte_vdev_device *vdev);

#endif
