package demo

// aozora is the Japanese company, with an office in New York. Nobody in it lives:
// the names are put together by chance, and the numbers belong to nobody.
var aozora = []member{
	{local: "haruka.sato", name: "佐藤 春香", phone: "03-0055-0101", title: "情報システム部 部長", admin: true, lang: ja, zone: inTokyo, state: Enrolled, method: app, day: 0.41},
	{local: "takumi.ito", name: "伊藤 匠", phone: "03-0055-0102", title: "総務部 課長", admin: true, lang: ja, zone: inTokyo, state: Enrolled, method: mailed, day: 1.44},
	{local: "grace.whitfield", name: "Grace Whitfield", phone: "+1 212-555-0103", title: "Office Manager", admin: true, lang: en, zone: inNewYork, state: Enrolled, method: app, day: 2.03},
	{local: "naomi.kobayashi", name: "小林 直美", phone: "03-0055-0104", title: "営業部 次長", admin: true, lang: ja, zone: inTokyo, state: InGrace},
	{local: "kenta.ono", name: "小野 健太", phone: "03-0055-0105", title: "経理部 課長", admin: true, lang: ja, zone: inTokyo, state: Requested},

	{local: "yui.nakamura", name: "中村 結衣", phone: "03-0055-0111", title: "営業一課", lang: ja, zone: inTokyo, state: Enrolled, method: app, day: 0.52},
	{local: "ren.yamamoto", name: "山本 蓮", phone: "03-0055-0112", title: "営業一課", lang: ja, zone: inTokyo, state: Enrolled, method: app, day: 1.38},
	{local: "aoi.matsumoto", name: "松本 葵", phone: "03-0055-0113", title: "営業二課", lang: ja, zone: inTokyo, state: Enrolled, method: app, day: 1.61},
	{local: "sota.inoue", name: "井上 颯太", phone: "03-0055-0114", title: "購買部", lang: ja, zone: inTokyo, state: Enrolled, method: app, day: 2.40},
	{local: "mei.kimura", name: "木村 芽衣", phone: "03-0055-0115", title: "購買部", lang: ja, zone: inTokyo, state: Enrolled, method: app, day: 3.55},
	{local: "daniel.reyes", name: "Daniel Reyes", phone: "+1 212-555-0116", title: "Sales Associate", lang: en, zone: inNewYork, state: Enrolled, method: app, day: 4.02},
	{local: "riku.shimizu", name: "清水 陸", phone: "03-0055-0117", title: "物流部", lang: ja, zone: inTokyo, state: Enrolled, method: app, day: 4.47},
	{local: "hina.hayashi", name: "林 陽菜", phone: "03-0055-0118", title: "物流部", lang: ja, zone: inTokyo, state: Enrolled, method: app, day: 6.43},
	{local: "yuto.saito", name: "斎藤 悠人", phone: "03-0055-0119", title: "経理部", lang: ja, zone: inTokyo, state: Enrolled, method: app, day: 7.58},
	{local: "sakura.mori", name: "森 さくら", phone: "03-0055-0120", title: "人事部", lang: ja, zone: inTokyo, state: Enrolled, method: app, day: 8.39},
	{local: "kaito.abe", name: "阿部 海斗", phone: "03-0055-0121", title: "人事部", lang: ja, zone: inTokyo, state: Enrolled, method: app, day: 10.42},
	{local: "olivia.chen", name: "Olivia Chen", phone: "+1 212-555-0122", title: "Logistics Coordinator", lang: en, zone: inNewYork, state: Enrolled, method: app, day: 11.06},
	{local: "tsumugi.ikeda", name: "池田 紬", phone: "03-0055-0123", title: "営業二課 (新入)", lang: ja, zone: inTokyo, state: Enrolled, method: app, joined: 8.52, day: 9.41},

	{local: "isamu.hashimoto", name: "橋本 勇", phone: "03-0055-0131", title: "倉庫管理", lang: ja, zone: inTokyo, state: Granted, method: mailed, day: 5.48},
	{local: "chiyo.yamashita", name: "山下 千代", phone: "03-0055-0132", title: "倉庫管理", lang: ja, zone: inTokyo, state: Granted, method: mailed, day: 9.56},
	{local: "masaru.ishikawa", name: "石川 勝", phone: "03-0055-0133", title: "倉庫管理", lang: ja, zone: inTokyo, state: Waiting, day: 12.45},

	{local: "taro.ogawa", name: "小川 太郎", phone: "03-0055-0141", title: "営業一課", lang: ja, zone: inTokyo, state: InGrace, day: 3.42},
	{local: "hanako.goto", name: "後藤 花子", phone: "03-0055-0142", title: "営業二課", lang: ja, zone: inTokyo, state: InGrace},
	{local: "shota.okada", name: "岡田 翔太", phone: "03-0055-0143", title: "購買部", lang: ja, zone: inTokyo, state: InGrace, day: 8.60},
	{local: "emily.novak", name: "Emily Novak", phone: "+1 212-555-0144", title: "Accountant", lang: en, zone: inNewYork, state: InGrace, day: 10.95},
	{local: "jun.fujita", name: "藤田 純", phone: "03-0055-0145", title: "経理部", lang: ja, zone: inTokyo, state: InGrace},

	{local: "akira.endo", name: "遠藤 明", phone: "03-0055-0151", title: "物流部", lang: ja, zone: inTokyo, state: Imported, hash: inBcrypt},
	{local: "yoko.nishimura", name: "西村 洋子", phone: "03-0055-0152", title: "総務部", lang: ja, zone: inTokyo, state: Imported, hash: inDjango},
	{local: "makoto.fukuda", name: "福田 誠", phone: "03-0055-0153", title: "総務部", lang: ja, zone: inTokyo, state: Imported, hash: inLDAP},
	{local: "satoshi.ota", name: "太田 智", phone: "03-0055-0154", title: "営業一課", lang: ja, zone: inTokyo, state: Weak, day: -3.5},
	{local: "kazuko.miura", name: "三浦 和子", phone: "03-0055-0155", title: "秘書室", lang: ja, zone: inTokyo, state: Requested},
	{local: "hiroshi.takeda", name: "武田 浩", phone: "03-0055-0156", title: "海外駐在", lang: ja, zone: inNewYork, state: Extended, day: 6.51},
	{local: "nanami.ueda", name: "上田 七海", phone: "03-0055-0157", title: "営業二課 (新入)", lang: ja, zone: inTokyo, state: Invited, joined: 13.32},
	{local: "lucas.martin", name: "Lucas Martin", phone: "+1 212-555-0158", title: "Intern", lang: en, zone: inNewYork, state: Lapsed, joined: 5.02},
	{local: "goro.sugiyama", name: "杉山 五郎", phone: "03-0055-0159", title: "営業一課", lang: ja, zone: inTokyo, state: Suspended, method: app, day: 3.46},
	{local: "eiji.maruyama", name: "丸山 英二", phone: "03-0055-0160", title: "購買部", lang: ja, zone: inTokyo, state: Stopped, method: app, day: 2.58},
}
