"""Common words of the languages that the generated text is written in, the most frequent first.

They give a text its script and its letter patterns; longer forms are put together from them in `vocabulary`.
"""

ENGLISH = """the of and to a in is that for it you as with on be are this can by an or from not have your will
at if we which their more they one has all also use but was how there when other these time may what each about
some make its such new into people used work way data like up so example them first between help out need
different than would used two many most system any only through over using information should important world
where these life then just been important know while model language text write code because both good number
problem provide process following could well create write point experience team list learn understand find
change create company think question answer program function story result value often set being high small large
early great human game food water music book city country school house family friend health business history
market research science power energy nature computer machine learning training design project develop support
improve include require consider describe explain because however therefore although another several possible
specific common general natural available during before after without within against together different user
python string table image sentence character paragraph summary recipe travel email letter message product
service customer price money plan step method theory equation variable array object class return error test file
open read online simple clear strong young long little local public social political economic physical mental
personal professional technical environment government community organization relationship development
management communication performance knowledge"""

ENGLISH_PREFIXES = (
    "re un over under out pre non inter super sub mis fore anti counter semi co de micro multi self up back"
)
ENGLISH_SUFFIXES = """s ing ed er ers ly ness able ment less ful ity ism ist ish ward wise like ship hood ways
side land line book work time house man room way light ground point day"""

PORTUGUESE = """de a o que e do da em um para com não uma os no se na por mais as dos como mas ao ele das à seu
sua ou quando muito nos já eu também só pelo pela até isso ela entre depois sem mesmo aos seus quem nas me esse
eles você essa num nem suas meu às minha numa pelos elas qual nós lhe deles essas esses pelas este dele tu te
vocês vos lhes meus minhas teu tua nossa tempo vida mundo pessoas trabalho exemplo dados sistema forma
informação cidade país história escola família amigo saúde empresa problema solução questão resposta língua
texto escrever código número coração manhã água comida música livro casa importante diferente possível grande
pequeno melhor primeiro último novo bom fazer saber poder querer encontrar ajudar usar criar então porque assim
ainda sobre durante através desenvolvimento conhecimento ambiente governo sociedade educação ciência máquina
aprendizagem modelo função processo mercado produto serviço cliente preço dinheiro plano passo método atenção
ação"""

SPANISH = """de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha me
si sin sobre este ya entre cuando todo esta ser son dos también fue había era muy años hasta desde está mi
porque qué sólo han yo hay vez puede todos así nos ni parte tiene él uno donde bien tiempo mismo ese ahora cada
vida otro después te otros aunque esa eso hace otra gobierno tan durante siempre día tanto ella tres sí gran
país según menos mundo año antes estado contra sino forma caso nada hacer general estaba poco estos presente
mayor ante unos algo trabajo ejemplo datos sistema información ciudad historia escuela familia amigo salud
empresa problema solución pregunta respuesta lengua texto escribir código número corazón mañana agua comida
música libro casa importante diferente posible pequeño mejor primero último nuevo bueno encontrar ayudar usar
crear entonces desarrollo conocimiento ambiente sociedad educación ciencia máquina aprendizaje modelo función
proceso mercado"""

FRENCH = """de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont avec
son aux être cette ont ces mais comme on ou si leur y dont elle deux vous nous tout je même fait bien peut aussi
sans entre après encore lui ses quand moins où temps très sous vie monde années faire jour depuis alors trois
contre ainsi été toujours avant peu chez donc beaucoup notre votre homme femme enfant travail exemple données
système information ville pays histoire école famille ami santé entreprise problème solution question réponse
langue texte écrire code nombre cœur matin eau nourriture musique livre maison important différent possible
grand petit meilleur premier dernier nouveau bon savoir pouvoir vouloir trouver aider utiliser créer parce
pendant développement connaissance environnement gouvernement société éducation science machine apprentissage
modèle fonction processus marché produit service client prix argent étape méthode théorie équation variable"""

GERMAN = """der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden
aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor
zur bis mehr durch man sein wurde sei wenn ich wir können kann ihr ihre diese dieser schon unter gegen vom
zwischen immer sehr was zwei keine heute jahr leben zeit welt menschen arbeit beispiel daten system information
stadt land geschichte schule familie freund gesundheit unternehmen problem lösung frage antwort sprache text
schreiben zahl herz morgen wasser essen musik buch haus wichtig verschieden möglich groß klein besser erste
letzte neu gut machen wissen wollen finden helfen verwenden erstellen weil also während entwicklung kenntnis
umwelt regierung gesellschaft bildung wissenschaft maschine lernen modell funktion prozess markt produkt dienst
kunde preis geld schritt verfahren gleichung aufgabe möglichkeit übung straße tür natürlich außerdem deshalb
zusammen verstehen"""

ITALIAN = """di e il la che in a per un del è non della una sono i si le con da nel al come più ha gli ma alla
dei lo anche delle se o su nella dal dalla ci questo ad ed essere due suo loro tra così tutto molto sua anni
stato prima quando quello fatto ancora dopo dove solo cui questa mi ogni sempre senza fare tempo vita mondo
lavoro esempio dati sistema informazione città paese storia scuola famiglia amico salute azienda problema
soluzione domanda risposta lingua testo scrivere codice numero cuore mattina acqua cibo musica libro casa
importante diverso possibile grande piccolo migliore primo ultimo nuovo buono sapere potere volere trovare
aiutare usare creare allora perché quindi durante sviluppo conoscenza ambiente governo società educazione
scienza macchina apprendimento modello funzione processo mercato prodotto servizio cliente prezzo denaro piano
passo metodo gli degli negli sugli quegli figlio famiglie voglio meglio giorno oggi ragazzo chiave perciò
anch'io dell'anno l'uomo un'altra"""

RUSSIAN = """и в не на я что тот быть с а весь это как она по но они к у ты из мы за вы так же от сказать этот
который мочь человек о один ещё бы такой только себя своё какой когда уже для вот кто да говорить год знать мой
до или если время рука нет самый ни стать большой даже другой наш свой ну под где дело есть сам раз чтобы два
там чем глаз жизнь первый день тут ничто потом очень со хотеть ли при голова надо без видеть идти теперь тоже
стоять друг дом сейчас можно после слово здесь думать место спросить через лицо тогда ведь хороший каждый новый
жить должный смотреть почему потому сторона просто нога сидеть понять иметь конечный делать вдруг над взять
никто сделать работа пример данные система информация город страна история школа семья здоровье компания
проблема решение вопрос ответ язык текст писать число сердце утро вода музыка книга важный возможный лучший
последний найти помочь использовать создать поэтому развитие знание общество образование наука машина обучение
модель"""

CHINESE = """的 是 在 了 不 和 有 我 这 人 他 们 中 来 上 大 为 个 国 地 到 说 时 要 就 出 会 可 也 你 对 生 能
而 子 那 得 于 着 下 自己 之 年 过 发 后 作 里 用 道 行 所 然 家 种 事 成 方 多 经 去 法 学 如 都 同 现在 当
没有 动 面 起 看 定 天 分 还 进 好 小 部 其 些 主 样 理 心 她 本 前 开 但是 因为 只 从 想 实 可以 我们 问题 工作
时间 世界 系统 信息 数据 城市 国家 历史 学校 家庭 朋友 健康 公司 解决 回答 语言 文本 写 代码 数字 早上 水 食物
音乐 书 房子 重要 不同 可能 更好 第一 最后 新 知道 找到 帮助 使用 创建 所以 如果 通过 发展 知识 环境 政府 社会
教育 科学 机器 学习 模型 函数 过程 市场 产品 服务 客户 价格 计划 方法 这个 什么 怎么 需要"""

JAPANESE = """の に は を た が で て と し れ さ ある いる も する から な こと として い や れる など なっ
ない この ため その あっ よう また もの という あり まで られ なる へ か だ これ によって により おり より
による ず なり られる において ば なかっ なく しかし について せ だっ その後 できる それ う ので なお のみ でき
き つ における および いう さらに でも ら たり たち ます です ください ました でしょう 私 人 時間 世界 仕事
例えば データ システム 情報 都市 国 歴史 学校 家族 友達 健康 会社 問題 解決 質問 答え 言語 文章 書く コード 数字
朝 水 食べ物 音楽 本 家 重要 違う 可能 最初 最後 新しい 良い 知る 見つける 助ける 使う 作る だから もし 発展
知識 環境 政府 社会 教育 科学 機械 学習 モデル 関数 過程 市場 製品 サービス 顧客 価格 お金 計画 方法 思います
とても"""

KOREAN = """이 그 저 것 수 있다 하다 되다 없다 않다 나 우리 사람 때 년 말 일 한 두 더 잘 또 및 그리고 그러나
하지만 때문에 위해 대한 같은 다른 많은 어떤 모든 새로운 좋은 큰 작은 중요한 가능한 시간 세계 작업 예를 들어
데이터 시스템 정보 도시 나라 역사 학교 가족 친구 건강 회사 문제 해결 질문 대답 언어 문장 쓰다 코드 숫자 아침 물
음식 음악 책 집 첫번째 마지막 알다 찾다 돕다 사용하다 만들다 그래서 만약 발전 지식 환경 정부 사회 교육 과학 기계
학습 모델 함수 과정 시장 제품 서비스 고객 가격 계획 방법 합니다 있습니다 입니다 습니다 것입니다 에서 으로 에게
까지 부터 보다 처럼 무엇 어떻게 왜 언제 어디 누가 생각합니다 필요합니다 설명해 주세요"""

ARABIC = """في من على إلى أن هذا التي عن مع كان هذه ما لا أو كل بعد ذلك قد بين كما لم الذي هو هي يمكن عند حتى
أكثر خلال منذ قبل غير حيث فيها أيضا إذا ثم نحن أنت هناك لكن لأن مثل يكون وقد ولا وهو الوقت الحياة العالم الناس
العمل المثال البيانات النظام المعلومات المدينة البلد التاريخ المدرسة العائلة الصديق الصحة الشركة المشكلة الحل
السؤال الجواب اللغة النص الكتابة الرقم القلب الصباح الماء الطعام الموسيقى الكتاب البيت مهم مختلف ممكن كبير صغير
أفضل أول آخر جديد جيد يعرف يريد يجد يساعد يستخدم ينشئ لذلك التطوير المعرفة البيئة الحكومة المجتمع التعليم العلوم
الآلة التعلم النموذج الوظيفة العملية السوق المنتج الخدمة العميل السعر"""

HINDI = """के है में की से और का को पर यह एक नहीं हैं कि भी इस ने हो कर तो ही या था वह जो अपने लिए साथ तक बाद
कुछ जब गया रहा सकते होता करने किया जाता थे हम आप मैं उन इन सभी बहुत लेकिन क्या कैसे क्योंकि समय जीवन दुनिया लोग
काम उदाहरण जानकारी प्रणाली शहर देश इतिहास विद्यालय परिवार मित्र स्वास्थ्य कंपनी समस्या समाधान प्रश्न उत्तर भाषा
पाठ लिखना संख्या हृदय सुबह पानी भोजन संगीत किताब घर महत्वपूर्ण अलग संभव बड़ा छोटा बेहतर पहला अंतिम नया अच्छा
जानना खोजना मदद उपयोग बनाना इसलिए यदि विकास ज्ञान पर्यावरण सरकार समाज शिक्षा विज्ञान मशीन सीखना प्रक्रिया बाजार
उत्पाद सेवा ग्राहक मूल्य योजना विधि आवश्यक अनुसार द्वारा प्रकार विशेष"""

THAI = """ที่ และ ใน การ เป็น ของ มี ได้ ไม่ จะ ว่า ให้ ความ กับ จาก คน นี้ หรือ มา ก็ ไป ทำ แต่ โดย เพื่อ ซึ่ง
อยู่ นั้น แล้ว เรา คุณ ฉัน เขา สามารถ ต้อง มาก กว่า เมื่อ ถ้า เพราะ อย่าง ทุก ใหม่ ดี ใหญ่ เล็ก เวลา ชีวิต โลก
งาน ตัวอย่าง ข้อมูล ระบบ เมือง ประเทศ ประวัติศาสตร์ โรงเรียน ครอบครัว เพื่อน สุขภาพ บริษัท ปัญหา วิธี คำถาม
คำตอบ ภาษา ข้อความ เขียน ตัวเลข หัวใจ เช้า น้ำ อาหาร ดนตรี หนังสือ บ้าน สำคัญ แตกต่าง แรก สุดท้าย รู้ หา ช่วย
ใช้ สร้าง ดังนั้น การพัฒนา ความรู้ สิ่งแวดล้อม รัฐบาล สังคม การศึกษา วิทยาศาสตร์ เครื่อง เรียนรู้ แบบจำลอง ตลาด
ผลิตภัณฑ์ บริการ ลูกค้า ราคา เงิน แผน ขั้นตอน"""

SYMBOLS = """1 2 3 = x + 0 10 ( ) y - 5 100 { } n i * 42 / 7 == ok 2023 [ ] 3.14 != -> 12 z && 64 % <= 256 0.5
a1 b2 k8s http 404 127.0.0.1 :: ... >>> 1e6 v2.0 0x1F utf-8 x86 </div> <br> #1 $x :) ? ?? !!! asdf test hmm
qwerty https://example.org/a https://example.com/?q=1 SELECT FROM WHERE NULL int() foo bar baz"""
