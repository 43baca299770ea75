/* SPDX-License-Identifier: Apache-2.0 */
/* koban VERB …: finds the verb's row and calls it. */
int main(void)
{
	return 0;
}
