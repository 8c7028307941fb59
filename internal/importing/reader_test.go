package importing

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/japanese"

	"nidan/internal/fault"
)

const header = "organization,email,name,phone,authority,method,mail_language,time_zone"

// reads writes a file and reads it whole; what ends it early is told with its rows.
func reads(t *testing.T, name, text string, o Options) (list []Row, left []string, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFile(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	in, err := f.read(t.Context(), o)
	if err != nil {
		return nil, nil, err
	}
	defer in.close()
	for {
		row, err := in.next()
		if errors.Is(err, io.EOF) {
			_, left := in.told()
			return list, left, nil
		}
		if err != nil {
			return list, nil, err
		}
		list = append(list, row)
	}
}

// isHanako says whether rows are the one that every format writes in its way.
func isHanako(list []Row, line int64) bool {
	return len(list) == 1 && list[0].Broken.Phrase == "" && list[0].Line == line && list[0].Cells[Name] == "佐藤 花子" &&
		list[0].Cells[Email] == "hanako@aozora.example" && list[0].Cells[Phone] == "03-1234" && list[0].Cells[Organization] == "青空商事"
}

func TestATableIsReadInWhateverWayItIsWritten(t *testing.T) {
	row := "青空商事,hanako@aozora.example,佐藤 花子,03-1234,general_user,,ja,Asia/Tokyo\n"
	sjis, err := japanese.ShiftJIS.NewEncoder().String(header + "\n" + row)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		o    Options
	}{
		"plain":              {header + "\n" + row, Options{}},
		"with a mark":        {"\uFEFF" + header + "\r\n" + strings.ReplaceAll(row, "\n", "\r\n"), Options{}},
		"quoted mark":        {"\uFEFF\"organization\"" + header[12:] + "\n" + row, Options{}},
		"semicolons":         {strings.ReplaceAll(header+"\n"+row, ",", ";"), Options{}},
		"tabs":               {strings.ReplaceAll(header+"\n"+row, ",", "\t"), Options{}},
		"Shift_JIS":          {sjis, Options{}},
		"Shift_JIS, by flag": {sjis, Options{Encoding: ShiftJIS}},
		"in another order": {"Time_Zone,NAME,phone,email,organization,mail_language,method,authority\nAsia/Tokyo,佐藤 花子,03-1234,hanako@aozora.example,青空商事,ja,,general_user\n",
			Options{}},
		"by other names": {"Firma,Mail,name,phone,authority\n青空商事,hanako@aozora.example,佐藤 花子,03-1234,general_user\n",
			Options{Map: map[string]string{"firma": "organization", "Mail": "email"}, Default: map[string]string{"mail_language": "ja", "time_zone": "Asia/Tokyo"}}},
		"with more columns": {header + ",shoe size\n" + strings.TrimSpace(row) + ",44\n\n\n", Options{Leave: true}},
	} {
		list, _, err := reads(t, "people.csv", c.text, c.o)
		if err != nil || !isHanako(list, 2) || list[0].Cells[Language] != "ja" {
			t.Errorf("%s: %v, %+v", name, err, list)
		}
	}
}

func TestAFileThatCannotBeReadSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		text, phrase string
		o            Options
	}{
		"empty":             {"", "importing.file_empty", Options{}},
		"UTF-16":            {"\xff\xfeo\x00", "importing.file_utf16", Options{}},
		"unknown columns":   {header + ",shoe size\n", "importing.columns_unknown", Options{}},
		"missing columns":   {"email,name\n", "importing.columns_missing", Options{}},
		"a column twice":    {header + ",email\n", "importing.column_twice", Options{}},
		"too many columns":  {strings.Repeat("x,", 50_000) + "x\n", "importing.columns_many", Options{}},
		"100,000 columns":   {strings.Repeat("column,", 100_000) + "x\n", "importing.line_long", Options{}},
		"a broken header":   {"\"organization,email\n", "importing.file_header", Options{}},
		"a map to nowhere":  {header, "importing.map_unknown", Options{Map: map[string]string{"a": "b"}}},
		"a default address": {header, "importing.default_unknown", Options{Default: map[string]string{"email": "x@example.com"}}},
		"no workbook":       {"PK\x03\x04 and nothing", "importing.file_excel", Options{}},
	} {
		_, _, err := reads(t, "people.csv", c.text, c.o)
		if f := fault.Of(err); f == nil || f.Phrase != c.phrase {
			t.Errorf("%s: %v, want %s", name, err, c.phrase)
		}
	}
}

func TestARowThatIsBrokenDoesNotBreakTheOthers(t *testing.T) {
	list, _, err := reads(t, "people.csv", header+"\n"+
		"Aozora,a@aozora.example,A \"bare\" quote,1,general_user,,en,UTC\n"+
		"Aozora,b@aozora.example\n"+
		"Aozora,c@aozora.example,"+strings.Repeat("x,", 10_000)+"\n"+
		"Aozora,d@aozora.example,D\x00,1,general_user,,en,UTC\n"+
		"Aozora,\"e@aozora.example\",\"E\nover two lines\",1,general_user,,en,UTC\n"+
		"Aozora,f@aozora.example,F,1,general_user,,en,UTC\n", Options{})
	if err != nil || len(list) != 6 {
		t.Fatalf("%v, %d rows", err, len(list))
	}
	var got []string
	for _, row := range list {
		got = append(got, fmt.Sprintf("%d %s", row.Line, Judge(row, Known{}).Why.Phrase))
	}
	want := "2 importing.why_quotes, 3 importing.why_cells, 4 importing.why_cells, 5 importing.why_unseen, 6 importing.why_unseen, 8 "
	if strings.Join(got, ", ") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, ", "), want)
	}
}

func TestALineOfTenMegabytesEndsTheFileAndSaysWhere(t *testing.T) {
	good := "Aozora,a@aozora.example,A,1,general_user,,en,UTC\n"
	for name, long := range map[string]string{"plain": strings.Repeat("x", 10<<20), "in quotes": `"` + strings.Repeat("x\n", 5<<20)} {
		list, _, err := reads(t, "people.csv", header+"\n"+good+long+"\n"+good, Options{})
		if f := fault.Of(err); f == nil || f.Phrase != "importing.line_long" || len(list) != 1 {
			t.Errorf("%s: %v after %d rows", name, err, len(list))
		}
	}
	list, _, err := reads(t, "people.ldif", "dn: cn=a\nobjectClass: person\nmail: a@aozora.example\njpegPhoto:: "+strings.Repeat("QUFB", 3<<20)+
		"\ncn: "+strings.Repeat("x", 10<<20)+"\n\ndn: cn=b\nmail: b@aozora.example\n", Options{})
	if err != nil || len(list) != 2 || list[0].Broken.Phrase != "importing.why_long" || list[1].Broken.Phrase != "" {
		t.Errorf("LDIF: %v, %d rows", err, len(list))
	}
}

func TestADirectoryIsRead(t *testing.T) {
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	list, left, err := reads(t, "people.ldif", `version: 1

# a unit is nobody
dn: ou=People,dc=aozora,dc=example
objectClass: organizationalUnit
ou: People

dn: cn=hanako,ou=People,dc=aozora,dc=example
objectClass: inetOrgPerson
# a comment
  that goes on
mail: hanako@aozora
 .example
displayName:: `+b64("佐藤 花子")+`
cn: Hanako
telephoneNumber: 03-1234
o;lang-ja:: `+b64("青空商事")+`
ou: People
preferredLanguage: ja
userPassword: {CRYPT}x
userPassword:: `+b64("{SSHA}tAYrA42ljwYsQrSykBqHai65KFcBAgMEBQYHCA==")+`
description:
employeeType: boss
`, Options{House: "Asia/Tokyo", Map: map[string]string{"employeeType": "job_title"}})
	if err != nil || !isHanako(list, 8) || strings.Join(left, ",") != "description" {
		t.Fatalf("%v, %+v, %v", err, list, left)
	}
	c := list[0].Cells
	if c[Authority] != "general_user" || c[Zone] != "Asia/Tokyo" || c[Language] != "ja" || c[JobTitle] != "boss" || !strings.HasPrefix(c[Hash], "{SSHA}") {
		t.Errorf("%q", c)
	}
}

func TestADirectoryPointsToNoFile(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("the-content-of-a-file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"cn:< file://" + secret, "cn:<file://" + secret, "cn:\n < file://" + secret, "CN;lang-ja:< file://" + secret,
		"userPassword:< file://" + secret, "c\n n:< file://" + secret} {
		list, _, err := reads(t, "people.ldif", "dn: cn=a\nobjectClass: person\nmail: a@aozora.example\n"+value+"\n", Options{})
		if err != nil || len(list) != 1 || list[0].Broken.Phrase != "importing.why_ldif_url" || strings.Contains(fmt.Sprint(list), "the-content") {
			t.Errorf("%q: %v, %+v", value, err, list)
		}
	}
	for entry, want := range map[string]string{
		"dn: cn=a\nchangetype: delete\n":                                                            "importing.why_ldif_change",
		"dn: cn=a\nobjectClass: person\nmail:: %%%\n":                                               "importing.why_ldif_shape",
		"objectClass: person\nmail: a@aozora.example\n":                                             "importing.why_missing",
		"dn:< file://" + secret + "\nobjectClass: person\nmail: a@aozora.example\ncn: a\n":          "importing.why_ldif_url",
		"include: file://" + secret + "\n\ndn: cn=a\nobjectClass: person\nmail: a@aozora.example\n": "importing.why_missing",
	} {
		list, _, err := reads(t, "people.ldif", entry, Options{})
		if err != nil || len(list) != 1 || Judge(list[0], Known{}).Why.Phrase != want {
			t.Errorf("%q: %v, %+v, want %s", entry, err, list, want)
		}
	}
}

func TestAWorkbookIsRead(t *testing.T) {
	book := excelize.NewFile()
	for i, cells := range [][]string{strings.Split(header, ","), {"青空商事", "hanako@aozora.example", "佐藤 花子", "03-1234", "general_user", "", "ja", "Asia/Tokyo"}, {}} {
		for j, text := range cells {
			cell, _ := excelize.CoordinatesToCellName(j+1, i+1)
			if err := book.SetCellStr("Sheet1", cell, text); err != nil {
				t.Fatal(err)
			}
		}
	}
	var text bytes.Buffer
	if _, err := book.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	list, _, err := reads(t, "people.dat", text.String(), Options{})
	if err != nil || !isHanako(list, 2) {
		t.Errorf("%v, %+v", err, list)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "nidan-import-*")); len(left) != 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

func TestALargeWorkbookIsAskedForAsATable(t *testing.T) {
	book := excelize.NewFile()
	stream, err := book.NewStreamWriter("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	names := []any{}
	for _, name := range strings.Split(header, ",") {
		names = append(names, name)
	}
	far := []any{"Aozora"}
	if err := errors.Join(stream.SetRow("A1", names), stream.SetRow(fmt.Sprintf("A%d", excelMost+1), far), stream.Flush()); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := book.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	if _, _, err := reads(t, "people.xlsx", text.String(), Options{}); fault.Of(err) == nil || fault.Of(err).Phrase != "importing.file_rows" {
		t.Errorf("%v", err)
	}
}

// packed is a file with one part that says it has a size.
func packed(t *testing.T, says uint64, content []byte) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	part, err := w.CreateRaw(&zip.FileHeader{Name: "xl/worksheets/sheet1.xml", Method: zip.Store, CompressedSize64: uint64(len(content)), UncompressedSize64: says})
	if err == nil {
		_, err = part.Write(content)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAPackedBombIsNotUnpacked(t *testing.T) {
	if _, _, err := reads(t, "bomb.xlsx", packed(t, 64<<30, []byte("x")), Options{}); fault.Of(err) == nil || fault.Of(err).Phrase != "importing.file_unpacked" {
		t.Errorf("%v", err)
	}
	if _, _, err := reads(t, "lies.xlsx", packed(t, 3, bytes.Repeat([]byte("x"), 1<<20)), Options{}); fault.Of(err) == nil || fault.Of(err).Phrase != "importing.file_excel" {
		t.Errorf("%v", err)
	}
}

// deflated is a packed file of parts, each a text that is repeated.
func deflated(t *testing.T, parts map[string][3]string, times int) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range parts {
		part, err := w.Create(name)
		for piece := range strings.SplitSeq(text[0]+"\x00"+strings.Repeat(text[1], times)+"\x00"+text[2], "\x00") {
			if err == nil {
				_, err = io.WriteString(part, piece)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAFileThatIsBuiltToFillTheMemoryIsRefused(t *testing.T) {
	const sheet, begins, ends = "xl/worksheets/sheet1.xml", "<worksheet><sheetData>", "</sheetData></worksheet>"
	for name, c := range map[string]struct {
		part, before, again, after string
		times                      int
	}{
		"a picture":              {"xl/media/image1.png", "", strings.Repeat("\x89", 1024), "", 65 << 10},
		"one cell":               {sheet, begins + `<row r="1"><c t="inlineStr"><is><t>`, strings.Repeat("x", 1024), "</t></is></c></row>" + ends, 17 << 10},
		"a part that is not XML": {"xl/other.xml", "<a>", "x<![CDATA[<row>", "</a>", 2 << 20},
		"one deep row":           {sheet, begins, "<row>", ends, 100},
		"one wide row":           {sheet, begins + "<row>", "<c/>", "</row>" + ends, 100_000},
		"a remark":               {sheet, begins + "<!--", "<row>", "-->" + ends, 1 << 18},
		"an attribute":           {sheet, begins + `<row r="`, "a row ", `"></row>` + ends, 1 << 18},
	} {
		text := deflated(t, map[string][3]string{c.part: {c.before, c.again, c.after}}, c.times)
		file := filepath.Join(t.TempDir(), "bomb.xlsx")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := sound(file)
		if f := fault.Of(err); f == nil || f.Phrase != "importing.file_excel" && f.Phrase != "importing.file_parts" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
