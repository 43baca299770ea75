/* SPDX-License-Identifier: Apache-2.0 */
/* What package managers of languages leave beside the packages that they installed. */
#include "base/buf.h"
#include "parsed.h"

static void test_npm(void **state)
{
	struct parsed *x = parsed_of("/app/node_modules/@types/node/package.json",
		STR("\xef\xbb\xbf{\"x\": [{\"name\": \"no\"}, \"}\"], \"name\": "
		    "\"@types\\/node\",\n"
		    "\"version\": \"20.1.0\", \"license\": {\"type\": \"MIT\"},\n"
		    "\"author\": {\"name\": \"J\\u00fcrgen\", \"version\": \"9\"}}"));

	(void)state;
	assert_int_equal(x->r, 0);
	assert_int_equal(x->n, 1);
	assert_str(x->p[0].group, "@types");
	assert_str(x->p[0].name, "node");
	assert_str(x->p[0].version, "20.1.0");
	assert_str(x->p[0].license, "MIT");
	assert_str(x->p[0].maintainer, "Jürgen");
	parsed_done(x);
}

static void test_npm_places(void **state)
{
	(void)state;
	assert_non_null(package_parser_for(STR("/a/node_modules/b/package.json")));
	assert_non_null(package_parser_for(STR("/usr/share/nodejs/semver/package.json")));
	assert_non_null(
		package_parser_for(STR("/a/node_modules/b/node_modules/@c/d/package.json")));
	assert_null(package_parser_for(STR("/app/package.json")));
	assert_null(package_parser_for(STR("/a/node_modules/b/test/x/package.json")));
	assert_null(package_parser_for(STR("/a/node_modules/package.json")));
	assert_null(package_parser_for(STR("/a.zip!/node_modules/b/package.json")));
}

static void test_npm_damaged(void **state)
{
	struct parsed *x = parsed_of("/node_modules/a/package.json",
		STR("{\"name\": \"a\", \"version\": \"1\", \"scripts\": {\"x\": \"y"));
	struct parsed *y = parsed_of("/node_modules/a/package.json", STR("[]"));
	struct parsed *z = parsed_of("/node_modules/a/package.json", STR("{\"type\": \"module\"}"));

	(void)state;
	assert_int_equal(x->r, -EBADMSG);
	assert_int_equal(x->n, 1);
	assert_int_equal(y->r, -EBADMSG);
	assert_int_equal(z->r, 0);
	assert_int_equal(z->n, 0);
	parsed_done(x);
	parsed_done(y);
	parsed_done(z);
}

static void test_pypi(void **state)
{
	struct parsed *x =
		parsed_of("/usr/lib/python3/dist-packages/Zope_Event-4.5.dist-info/METADATA",
			STR("Metadata-Version: 2.1\nName: zope.event\nVersion: 4.5.0\n"
			    "License: UNKNOWN\nAuthor: Z\nClassifier: A\n"
			    "\nVersion: 9\n"));
	struct parsed *y =
		parsed_of("/usr/lib/python3/dist-packages/Zope_Event-4.5.dist-info/RECORD",
			STR("zope/event/__init__.py,sha256=x,1\n"
			    "\"zope/with,comma.py\",,\n../../../bin/zope,,\n"
			    "x/../../../../etc/passwd,,\n/opt/x,,\n"));

	(void)state;
	assert_int_equal(x->r, 0);
	assert_int_equal(x->n, 1);
	assert_str(x->p[0].name, "zope.event");
	assert_str(x->p[0].version, "4.5.0");
	assert_str(x->p[0].license, "");
	assert_str(x->p[0].maintainer, "Z");
	assert_int_equal(y->n, 1);
	assert_int_equal(y->p[0].nfiles, 4);
	assert_true(parsed_owns(&y->p[0], "/usr/lib/python3/dist-packages/zope/event/__init__.py"));
	assert_true(parsed_owns(&y->p[0], "/usr/lib/python3/dist-packages/zope/with,comma.py"));
	assert_true(parsed_owns(&y->p[0], "/usr/bin/zope"));
	assert_true(parsed_owns(&y->p[0], "/opt/x"));
	assert_true(package_is_same(&x->p[0], &y->p[0]));
	parsed_done(x);
	parsed_done(y);
}

static void test_pypi_places(void **state)
{
	(void)state;
	assert_non_null(package_parser_for(STR("/x/a.egg-info/PKG-INFO")));
	assert_non_null(package_parser_for(STR("/x/a-1.egg-info")));
	assert_non_null(package_parser_for(STR("/x/a.egg/EGG-INFO/PKG-INFO")));
	assert_null(package_parser_for(STR("/x/PKG-INFO")));
	assert_null(package_parser_for(STR("/x/METADATA")));
}

static void test_gem(void **state)
{
	struct parsed *x = parsed_of(
		"/usr/lib/ruby/gems/3.1.0/specifications/nokogiri-1.15.0-x86_64-linux.gemspec",
		STR("# -*- encoding: utf-8 -*-\n# stub: nokogiri 1.15.0 x86_64-linux lib\n\n"
		    "Gem::Specification.new do |s|\n  s.name = \"nokogiri\".freeze\n"
		    "  s.version = \"1.15.0\"\n  s.platform = \"x86_64-linux\".freeze\n"
		    "  s.authors = [\"A\".freeze, \"B\".freeze]\n"
		    "  s.licenses = [\"MIT\".freeze]\n"
		    "  s.add_dependency(%q<racc>.freeze, [\"~> 1.4\"])\nend\n"));

	(void)state;
	assert_int_equal(x->r, 0);
	assert_int_equal(x->n, 1);
	assert_str(x->p[0].name, "nokogiri");
	assert_str(x->p[0].version, "1.15.0");
	assert_str(x->p[0].arch, "x86_64-linux");
	assert_str(x->p[0].license, "MIT");
	assert_str(x->p[0].maintainer, "A");
	parsed_done(x);
	/* what the text does not say, the name does */
	x = parsed_of(
		"/g/specifications/default/my-gem-2.0.gemspec", STR("Gem::Specification.new\n"));
	assert_int_equal(x->n, 1);
	assert_str(x->p[0].name, "my-gem");
	assert_str(x->p[0].version, "2.0");
	parsed_done(x);
	x = parsed_of("/g/specifications/nothing.gemspec", STR("x"));
	assert_int_equal(x->r, -EBADMSG);
	parsed_done(x);
	assert_null(package_parser_for(STR("/src/my.gemspec")));
}

static void test_composer(void **state)
{
	static const char *const texts[] = {
		"{\"packages\": [{\"name\": \"monolog/monolog\", \"version\": \"3.5.0\", "
		"\"license\": [\"MIT\", \"BSD\"], \"require\": {\"name\": \"x\"}}, 7, {\"name\": "
		"\"psr/log\","
		"\"version\": \"v1\", \"license\": \"MIT\"}], \"dev\": true, "
		"\"dev-package-names\": []}",
		"[{\"name\": \"monolog/monolog\", \"version\": \"3.5.0\", \"license\": [\"MIT\"]}, "
		"{\"name\": \"psr/log\", \"version\": \"v1\"}]"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct parsed *x =
			parsed_of("/app/vendor/composer/installed.json", str_of(texts[i]));

		assert_int_equal(x->r, 0);
		assert_int_equal(x->n, 2);
		assert_str(x->p[0].group, "monolog");
		assert_str(x->p[0].name, "monolog");
		assert_str(x->p[0].version, "3.5.0");
		assert_str(x->p[0].license, "MIT");
		assert_str(x->p[1].group, "psr");
		assert_str(x->p[1].version, "v1");
		parsed_done(x);
	}
}

static void test_nuget(void **state)
{
	struct parsed *x = parsed_of("/app/App.deps.json",
		STR("{\"runtimeTarget\": {\"name\": \".NETCoreApp\"}, \"targets\": {\"x\": {}}, "
		    "\"libraries\": {\"App/1.0.0\": {\"type\": \"project\"}, "
		    "\"Newtonsoft.Json/13.0.3\": {\"type\": \"package\", \"serviceable\": true}, "
		    "\"NoVersion\": {\"type\": \"package\"}}}"));

	(void)state;
	assert_int_equal(x->r, 0);
	assert_int_equal(x->n, 1);
	assert_str(x->p[0].name, "Newtonsoft.Json");
	assert_str(x->p[0].version, "13.0.3");
	parsed_done(x);
}

/* JSON that is cut anywhere, and nested without end: an error, and no harm. */
static void test_json_damaged(void **state)
{
	static const char text[] = "[{\"name\": \"a\\u00e9\\ud83d\\ude00/b\", \"version\": \"1\","
				   "\"x\": {\"y\": [1, {\"z\": null}]}}]";
	struct buf deep = BUF_INIT(4 << 20);

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		struct parsed *x = parsed_of("/vendor/composer/installed.json", str_make(text, i));

		assert_int_equal(x->r, -EBADMSG);
		parsed_done(x);
	}
	buf_add_cstr(&deep, "{\"x\":");
	for (int i = 0; i < 1000000; i++)
		buf_add_char(&deep, i % 2 ? '[' : '{');
	struct parsed *x = parsed_of("/vendor/composer/installed.json", buf_str(&deep));
	assert_int_equal(x->r, -EBADMSG);
	parsed_done(x);
	buf_done(&deep);
	x = parsed_of("/vendor/composer/installed.json", str_of(text));
	assert_int_equal(x->r, 0);
	assert_str(x->p[0].group, "aé😀");
	parsed_done(x);
}

static void test_jar_names(void **state)
{
	static const struct {
		const char *path, *name, *version;
	} rows[] = {
		{"/a/jackson-core-2.14.0.jar", "jackson-core", "2.14.0"},
		{"/a/guava-31.1-jre.JAR", "guava", "31.1-jre"},
		{"/a/app.war", "app", ""},
		{"/a/b.jar!/WEB-INF/lib/c-1.jar", "c", "1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct parsed *x = parsed_of(rows[i].path, STR(""));

		assert_int_equal(x->r, 0);
		assert_int_equal(x->n, rows[i].name[0] ? 1 : 0);
		if (x->n) {
			assert_str(x->p[0].name, rows[i].name);
			assert_str(x->p[0].version, rows[i].version);
		}
		parsed_done(x);
	}
	assert_null(package_parser_for(STR("/a.tar!/b.jar")));
	assert_null(package_parser_for(STR("/META-INF/MANIFEST.MF")));
	assert_null(package_parser_for(STR("/a.tar!/b.jar!/META-INF/MANIFEST.MF")));
	assert_null(package_parser_for(STR("/a.tar!/b.jar!/c.jar")));
	assert_non_null(package_parser_for(STR("/a.war!/b.jar!/c.jar!/META-INF/MANIFEST.MF")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_npm),
		cmocka_unit_test(test_npm_places),
		cmocka_unit_test(test_npm_damaged),
		cmocka_unit_test(test_pypi),
		cmocka_unit_test(test_pypi_places),
		cmocka_unit_test(test_gem),
		cmocka_unit_test(test_composer),
		cmocka_unit_test(test_nuget),
		cmocka_unit_test(test_json_damaged),
		cmocka_unit_test(test_jar_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
