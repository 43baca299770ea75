/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether letters were put together by a person or by a generator of passwords: how much, on
 * average, each letter surprises behind the one before it. The table was counted over the words of
 * Debian's own texts (/usr/share/doc, manuals, Python's and Perl's sources), each weighed by the
 * logarithm of how often it stands there. It tells words from noise at six letters in nine of ten
 * cases, at ten letters nearly always; it does not know a language, and names pass for words.
 */
#include <ctype.h>

#include "engine/secret/private.h"

enum { PAIRS_MIN = 4 };

/* Row: a letter; column: the next. Bits of surprise, less 1.5. */
static const char surprise[26][27] = {
	"53335546385222739221455657", /* a */
	"24442457236156259335278747", /* b */
	"25452572382357158342477768", /* c */
	"24430455166355258335366758", /* d */
	"25223456476332545122645357", /* e */
	"24432277198365259334386849", /* f */
	"25450543288343358234366856", /* g */
	"17551566195545258343376848", /* h */
	"34233438776231248422746674", /* i */
	"15440566275655146626265877", /* j */
	"25440554275454347424375757", /* k */
	"25541567196256259632357738", /* l */
	"13451678186436229536376859", /* m */
	"26222416374564358621457857", /* n */
	"54335446565321339133344667", /* o */
	"17451664385256238132367859", /* p */
	"55464778479354667553065898", /* q */
	"26440547294444259333457948", /* r */
	"36361563294355337521366847", /* s */
	"26451563186455249233476637", /* t */
	"33342347385231639222768676", /* u */
	"16560657198645369645668879", /* v */
	"15451673196453259125676779", /* w */
	"46352475297436429501678459", /* x */
	"24443545385231318523465766", /* y */
	"15770664286344359644577744", /* z */
};

double secret_surprise(struct str v)
{
	unsigned sum = 0, pairs = 0;

	for (size_t i = 1; i < v.len; i++) {
		int a = tolower((unsigned char)v.s[i - 1]), b = tolower((unsigned char)v.s[i]);

		if (a < 'a' || a > 'z' || b < 'a' || b > 'z')
			continue;
		sum += (unsigned)(surprise[a - 'a'][b - 'a'] - '0');
		pairs++;
	}
	return pairs < PAIRS_MIN ? 0 : (double)sum / pairs;
}
