/* SPDX-License-Identifier: Apache-2.0 */
/* Package URLs: examples of the specification and of its types' definitions. */
#include "parsed.h"

static const struct artifact_distro debian = {.id = STR("debian"), .version = STR("12")};
static const struct artifact_distro fedora = {.id = STR("fedora"), .version = STR("25")};
static const struct artifact_distro sid = {.id = STR("debian"), .codename = STR("sid")};

static const struct {
	struct artifact_package p;
	const struct artifact_distro *d;
	const char *purl;
} rows[] = {
	{{PACKAGE_DPKG, STR("curl"), STR("7.88.1-10+deb12u5"), STR("amd64")}, &debian,
		"pkg:deb/debian/curl@7.88.1-10%2Bdeb12u5?arch=amd64&distro=debian-12"},
	{{PACKAGE_DPKG, STR("attr"), STR("1:2.4.47-2")}, &sid,
		"pkg:deb/debian/attr@1:2.4.47-2?distro=debian-sid"},
	{{PACKAGE_DPKG, STR("attr"), STR("1")}, NULL, "pkg:deb/attr@1"},
	{{PACKAGE_RPM, STR("curl"), STR("1:7.50.3-1.fc25"), STR("i386")}, &fedora,
		"pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386&distro=fedora-25&epoch=1"},
	{{PACKAGE_NPM, STR("animation"), STR("12.3.1"), .group = STR("@angular")}, &debian,
		"pkg:npm/%40angular/animation@12.3.1"},
	{{PACKAGE_PYPI, STR("Django_Allauth"), STR("12.23")}, &debian,
		"pkg:pypi/django-allauth@12.23"},
	{{PACKAGE_GO, STR("github.com/Masterminds/semver/v3"), STR("v3.2.1+incompatible")}, NULL,
		"pkg:golang/github.com/masterminds/semver/v3@v3.2.1%2Bincompatible"},
	{{PACKAGE_GO, STR("stdlib"), STR("1.22.4")}, NULL, "pkg:golang/stdlib@1.22.4"},
	{{PACKAGE_JAR, STR("batik-anim"), STR("1.9.1"), .group = STR("org.apache.xmlgraphics")},
		NULL, "pkg:maven/org.apache.xmlgraphics/batik-anim@1.9.1"},
	{{PACKAGE_GEM, STR("nokogiri"), STR("1.15.0"), STR("x86_64-linux")}, NULL,
		"pkg:gem/nokogiri@1.15.0?platform=x86_64-linux"},
	{{PACKAGE_COMPOSER, STR("laravel"), STR("5.5.0"), .group = STR("Laravel")}, NULL,
		"pkg:composer/laravel/laravel@5.5.0"},
	{{PACKAGE_NUGET, STR("EnterpriseLibrary.Common"), STR("6.0.1304")}, NULL,
		"pkg:nuget/EnterpriseLibrary.Common@6.0.1304"},
	{{PACKAGE_CARGO, STR("rand"), STR("0.7.2")}, NULL, "pkg:cargo/rand@0.7.2"},
	{{PACKAGE_NPM, STR("a/b?c#d é"), STR("1@2")}, NULL, "pkg:npm/a%2Fb%3Fc%23d%20%C3%A9@1%402"},
};

static void test_purl(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_str(package_purl(&rows[i].p, rows[i].d, &a), rows[i].purl);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_purl)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
