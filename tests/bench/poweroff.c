/* SPDX-License-Identifier: Apache-2.0 */
/* The least that a guest can do: the init of the bare boot that `make bench` compares with. */
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	(void)reboot(RB_POWER_OFF);
	return pause();
}
